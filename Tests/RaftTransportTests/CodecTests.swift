import Bytes
import Glibc
import Limits
import RaftCore
import RaftLog
import RaftTransport
import Testing

/// The wire forms as files: a change of one is a change of the format, and wants a new version byte.
struct CodecTests {
    private static let folder: String = {
        let file: String = #filePath
        return String(file[..<(file.lastIndex(of: "/") ?? file.startIndex)]) + "/Golden"
    }()

    /// Compares with the file, or writes it when `DROVER_REWRITE=1`.
    private static func golden(_ name: String, _ bytes: [UInt8]) throws -> [UInt8] {
        let path: String = "\(folder)/\(name).hex"
        if getenv("DROVER_REWRITE").map({ String(cString: $0) }) == "1" {
            let file = try #require(fopen(path, "w"), "cannot write \(path)")
            defer { fclose(file) }
            var rest: ArraySlice<UInt8> = bytes[...]
            while !rest.isEmpty {
                fputs(Hex.encode(rest.prefix(32)) + "\n", file)
                rest = rest.dropFirst(32)
            }
        }
        let file = try #require(fopen(path, "r"), "\(path) is missing; DROVER_REWRITE=1 writes it")
        defer { fclose(file) }
        var text: String = ""
        while true {
            let character: Int32 = fgetc(file)
            guard character != EOF else { break }
            if character != 10 { text.unicodeScalars.append(Unicode.Scalar(UInt8(character))) }
        }
        return try #require(Hex.decode(text))
    }

    @Test(arguments: Samples.bodies.indices)
    func `messages travel as the golden files say`(_ place: Int) throws {
        let message: Message = Samples.message(Samples.bodies[place].1)
        let bytes: [UInt8] = MessageCodec.encode(message)
        let golden: [UInt8] = try Self.golden(Samples.bodies[place].0, bytes)
        #expect(Hex.encode(bytes) == Hex.encode(golden))
        #expect(try MessageCodec.decode(golden) == message)
    }

    @Test(arguments: Samples.calls.indices)
    func `calls travel as the golden files say`(_ place: Int) throws {
        let (name, frame): (String, CallFrame) = Samples.calls[place]
        let golden: [UInt8] = try Self.golden(name, frame.encoded)
        #expect(Hex.encode(frame.encoded) == Hex.encode(golden))
        #expect(try CallFrame(decoding: golden) == frame)
    }

    @Test(arguments: Samples.snapshots.indices)
    func `snapshots travel as the golden files say`(_ place: Int) throws {
        let (name, frame): (String, SnapshotFrame) = Samples.snapshots[place]
        let golden: [UInt8] = try Self.golden(name, frame.encoded)
        #expect(Hex.encode(frame.encoded) == Hex.encode(golden))
        #expect(try SnapshotFrame(decoding: golden) == frame)
    }

    @Test func `a frame is what the golden file says`() throws {
        let bytes: [UInt8] = WireFrame.encoded(Array("body".utf8))
        #expect(Hex.encode(bytes) == Hex.encode(try Self.golden("frame", bytes)))
    }

    @Test func `no bytes crash a decoder, and what decodes is canonical`() {
        var random = SeededRandom(seed: 3)
        let samples: [[UInt8]] =
            Samples.bodies.map { MessageCodec.encode(Samples.message($0.1)) } + Samples.calls.map(\.1.encoded)
            + Samples.snapshots.map(\.1.encoded) + [Samples.about.encoded]
        var wrong: Int = 0
        var decoded: Int = 0
        for round in 0..<40_000 {
            var bytes: [UInt8] =
                round % 4 == 0
                ? (0..<random.below(80)).map { _ in UInt8(random.below(256)) } : samples[round % samples.count]
            if round % 4 == 0, !bytes.isEmpty { bytes[0] = 1 }
            for _ in 0..<random.below(3) where !bytes.isEmpty {
                let place: Int = random.below(bytes.count)
                switch random.below(4) {
                case 0: bytes[place] = UInt8(random.below(256))
                case 1: bytes.remove(at: place)
                case 2: bytes.insert(UInt8(random.below(256)), at: place)
                default: bytes.removeLast(bytes.count - place)
                }
            }
            if let message = try? MessageCodec.decode(bytes) {
                decoded += 1
                if MessageCodec.encode(message) != bytes { wrong += 1 }
            }
            if let frame = try? CallFrame(decoding: bytes), frame.encoded != bytes { wrong += 1 }
            if let frame = try? SnapshotFrame(decoding: bytes) {
                // A configuration is put in order when it is read.
                if case .offer = frame { continue }
                if frame.encoded != bytes { wrong += 1 }
            }
            _ = try? SnapshotAbout(decoding: bytes)
        }
        #expect(wrong == 0)
        #expect(decoded > 3_000)
    }

    @Test func `a flipped bit anywhere in a frame is noticed, and what follows is found if the head is whole`() {
        let first: [UInt8] = WireFrame.encoded(MessageCodec.encode(Samples.message(Samples.bodies[4].1)))
        let second: [UInt8] = WireFrame.encoded([7])
        for bit in 0..<first.count * 8 {
            var bytes: [UInt8] = first
            bytes[bit / 8] ^= 1 << UInt8(bit % 8)
            var reader = WireFrameReader()
            reader.append(bytes + second)
            if bit < WireFrame.headBytes * 8 {
                #expect(reader.next() == .damagedHead)
            } else {
                #expect(reader.next() == .damagedBody)
                #expect(reader.next() == .body([7]))
            }
        }
    }

    @Test func `frames are found however the bytes are cut, and a giant is refused before it has come`() {
        var random = SeededRandom(seed: 4)
        let bodies: [[UInt8]] = (0..<300).map { [UInt8](repeating: UInt8($0 % 256), count: random.below(3_000)) }
        let stream: [UInt8] = bodies.flatMap { WireFrame.encoded($0) }
        var reader = WireFrameReader()
        var found: [[UInt8]] = []
        var place: Int = 0
        while place < stream.count {
            let count: Int = min(stream.count - place, 1 + random.below(5_000))
            reader.append(Array(stream[place..<place + count]))
            place += count
            while let next = reader.next() {
                if case .body(let body) = next { found.append(body) }
            }
        }
        #expect(found == bodies)

        var head = ByteWriter()
        head.u32(UInt32(Limits.raftFrameBytes) + 1)
        head.u32(0)
        head.u32(CRC32C.checksum(head.bytes))
        var other = WireFrameReader()
        other.append(head.bytes)
        #expect(other.next() == .tooLong(bytes: Limits.raftFrameBytes + 1))
    }
}
