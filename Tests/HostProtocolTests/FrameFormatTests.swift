import HostProtocol
import JSON
import TestSupport
import Testing

/// The texts here are the format: servers and agents of different versions meet on it.
struct FrameFormatTests {
    @Test func `frames of a server are written as agreed and read back`() throws {
        for (text, frame) in Samples.fromServer {
            #expect(String(decoding: frame.encoded, as: UTF8.self) == text)
            #expect(try ServerFrame(decoding: Array(text.utf8)) == frame)
        }
    }

    @Test func `frames of an agent are written as agreed and read back`() throws {
        for (text, frame) in Samples.fromAgent {
            #expect(String(decoding: frame.encoded, as: UTF8.self) == text)
            #expect(try AgentFrame(decoding: Array(text.utf8)) == frame)
        }
    }

    @Test func `a type that is not known is kept by name and no error`() throws {
        let text: String = #"{"v":1,"type":"exec","incarnation":"aa","epoch":1,"revision":2,"uuid":5}"#
        #expect(try ServerFrame(decoding: Array(text.utf8)).message == .unknown(type: "exec"))
        #expect(try AgentFrame(decoding: Array(text.utf8)).message == .unknown(type: "exec"))
    }

    @Test func `members that are not known do no harm`() throws {
        let text: String =
            #"{"v":1,"type":"cancel","incarnation":"aa","epoch":1,"revision":2,"stream":9,"reason":{"a":[1]}}"#
        #expect(try ServerFrame(decoding: Array(text.utf8)).message == .cancel(stream: 9))
    }

    @Test(arguments: [
        ("", "frame: line 1, column 1"),
        ("[]", "frame: expected an object"),
        (#"{"type":"ping"}"#, "frame.v: expected a number from 0 on"),
        (#"{"v":2,"type":"ping"}"#, "frame: version 2 is not known"),
        (#"{"v":1,"type":"ping","incarnation":"XY","epoch":1,"revision":1}"#, "frame.incarnation: expected"),
        (#"{"v":1,"type":"ping","incarnation":"aa","epoch":-1,"revision":1}"#, "frame.epoch: expected"),
        (#"{"v":1,"type":"cancel","incarnation":"aa","epoch":1,"revision":1}"#, "cancel.stream: expected"),
        (
            #"{"v":1,"type":"sync","incarnation":"aa","epoch":1,"revision":1,"instances":[7]}"#,
            "sync.instances[0]: expected an object"
        ),
        (
            #"{"v":1,"type":"sync","incarnation":"aa","epoch":1,"revision":1,"instances":[{"uuid":"../x"}]}"#,
            "sync.instances[0].uuid: expected"
        ),
        (
            #"{"v":1,"type":"sync","incarnation":"aa","epoch":1,"revision":1,"instances":[{"uuid":"x","number":1,"name":"n","goal":"fly"}]}"#,
            "sync.instances[0].goal: expected one of running, stopped"
        ),
    ])
    func `a wrong frame is refused with the member that is wrong`(text: String, message: String) throws {
        let error = #expect(throws: FrameError.self) { try ServerFrame(decoding: Array(text.utf8)) }
        #expect(error?.message.hasPrefix(message) == true, "\(error?.message ?? "no error")")
    }

    @Test func `random and mutilated bytes never crash a decoder`() {
        var random = Seeded(42)
        let seeds: [[UInt8]] = (Samples.fromServer.map(\.0) + Samples.fromAgent.map(\.0)).map { Array($0.utf8) }
        for round in 0..<4_000 {
            var bytes: [UInt8]
            if round.isMultiple(of: 4) {
                bytes = (0..<Int.random(in: 0..<80, using: &random)).map { _ in
                    UInt8.random(in: 0...255, using: &random)
                }
            } else {
                bytes = seeds[Int.random(in: 0..<seeds.count, using: &random)]
                for _ in 0..<Int.random(in: 1...4, using: &random) {
                    let place: Int = Int.random(in: 0..<bytes.count, using: &random)
                    switch Int.random(in: 0..<3, using: &random) {
                    case 0: bytes[place] = UInt8.random(in: 0...255, using: &random)
                    case 1: bytes.removeSubrange(place..<min(bytes.count, place + 7))
                    default: bytes.insert(contentsOf: Array("-9e999".utf8), at: place)
                    }
                    if bytes.isEmpty { break }
                }
            }
            // What decodes must survive being written and read again.
            if let frame = try? ServerFrame(decoding: bytes), case let again = try? ServerFrame(decoding: frame.encoded)
            {
                #expect(again == frame)
            }
            if let frame = try? AgentFrame(decoding: bytes), case let again = try? AgentFrame(decoding: frame.encoded) {
                #expect(again == frame)
            }
        }
    }
}
