import TestSupport
import Testing

@testable import JSON

struct JSONWriterTests {
    private func text(_ value: JSONValue) -> String { String(decoding: JSONWriter.bytes(value), as: UTF8.self) }

    @Test func `members keep their order and strings are escaped`() {
        let value: JSONValue = ["b": [1, .double(1.5), .double(2), nil, true], "a": "\"\\\n\u{1}\u{7F}é/", "c": [:]]
        #expect(text(value) == "{\"b\":[1,1.5,2.0,null,true],\"a\":\"\\\"\\\\\\n\\u0001\u{7F}é/\",\"c\":{}}")
        #expect(text([.double(.infinity), .double(.nan)]) == "[null,null]")
    }

    @Test func `the form for people is indented`() {
        let value: JSONValue = ["a": [1, [:]], "b": [], "c": ["d": "x"]]
        let expected: String = """
            {
              "a": [
                1,
                {}
              ],
              "b": [],
              "c": {
                "d": "x"
              }
            }
            """
        #expect(JSONWriter.pretty(value) == expected)
    }

    private func randomValue(_ random: inout Seeded, depth: Int) -> JSONValue {
        switch random.next() % (depth > 4 ? 6 : 9) {
        case 0: return .null
        case 1: return .bool(Bool.random(using: &random))
        case 2: return .int(Int64(bitPattern: random.next() >> UInt64.random(in: 0..<64, using: &random)))
        case 3:
            let number = Double(bitPattern: random.next())
            return .double(number.isFinite ? number : 0)
        case 4, 5: return .string(randomText(&random))
        case 6: return .array((0..<random.next() % 5).map { _ in randomValue(&random, depth: depth + 1) })
        default:
            var object = JSONObject()
            for _ in 0..<random.next() % 40 { object[randomText(&random)] = randomValue(&random, depth: depth + 3) }
            return .object(object)
        }
    }

    private func randomText(_ random: inout Seeded) -> String {
        var text = String.UnicodeScalarView()
        for _ in 0..<random.next() % 8 {
            let bound: UInt32 = Bool.random(using: &random) ? 0x80 : 0x1_1000
            if let scalar = Unicode.Scalar(UInt32.random(in: 0..<bound, using: &random)) { text.append(scalar) }
        }
        return String(text)
    }

    @Test(arguments: 0..<20)
    func `what the writer wrote the reader reads back`(seed: UInt64) {
        var random = Seeded(seed)
        for _ in 0..<50 {
            let value: JSONValue = randomValue(&random, depth: 0)
            let bytes: [UInt8] = JSONWriter.bytes(value)
            guard let back: JSONValue = try? JSONReader.parse(bytes), back == value, back.hashValue == value.hashValue,
                JSONWriter.bytes(back) == bytes, (try? JSONReader.parse(JSONWriter.pretty(value))) == value
            else {
                Issue.record("seed \(seed): \(text(value))")
                return
            }
        }
    }

    @Test(arguments: 0..<20)
    func `no bytes crash the reader`(seed: UInt64) {
        var random = Seeded(seed)
        let pieces: [String] = [
            "{", "}", "[", "]", ",", ":", "\"", "\\", "\\u", "d800", "null", "tru", "-", "0", "1", ".", "e", "\n", "\r",
            "a", "\"a\"",
        ]
        var accepted: Int = 0
        for _ in 0..<2_000 {
            var bytes: [UInt8] = []
            for _ in 0..<random.next() % 12 {
                if random.next() % 10 == 0 {
                    bytes.append(UInt8.random(in: 0...255, using: &random))
                } else {
                    bytes += Array((pieces.randomElement(using: &random) ?? "").utf8)
                }
            }
            if (try? JSONReader.parse(bytes)) != nil { accepted += 1 }
        }
        #expect(accepted > 10)
    }
}

struct JSONObjectTests {
    @Test func `a key stands once and nil removes it`() {
        var object: JSONObject = ["a": 1, "b": 2, "a": 3]
        #expect(object.keys == ["a", "b"] && object["a"] == 3)
        object["c"] = 4
        object["a"] = nil
        object["absent"] = nil
        #expect(object.keys == ["b", "c"])
        #expect(object.sorted().keys == ["b", "c"])
        #expect((["B": 1, "a": 2, "é": 3, "Z": 4] as JSONObject).sorted().keys == ["B", "Z", "a", "é"])
    }

    @Test func `equal objects have equal hashes whatever their order and spelling`() {
        let left: JSONObject = ["f": 1, "\u{E9}": 2]
        let right: JSONObject = ["e\u{301}": 2, "f": 1]
        #expect(left == right)
        #expect(left.hashValue == right.hashValue)
        #expect(
            ["a": 1] as JSONObject != ["a": 2] && ["a": 1] as JSONObject != ["b": 1] && ["a": nil] as JSONObject != [:]
        )
    }

    @Test func `values read only as what they are`() {
        #expect(JSONValue.int(1).double == 1 && JSONValue.double(1).int == nil && JSONValue.string("1").int == nil)
        #expect(JSONValue.null.isNull && !JSONValue.bool(false).isNull)
        #expect((["a": ["b": 1]] as JSONValue)["a"]?["b"]?.int == 1)
        #expect(([1] as JSONValue)["a"] == nil)
        let number: Int = 7
        #expect("n=\(number)" as JSONValue == "n=7")
    }
}
