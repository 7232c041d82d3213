import Testing

@testable import JSON

struct JSONReaderTests {
    private func failure(_ bytes: [UInt8]) -> String? {
        do throws(JSONError) {
            _ = try JSONReader.parse(bytes)
            return nil
        } catch { return error.description }
    }

    private func failure(_ text: String) -> String? { failure(Array(text.utf8)) }

    static let values: [(String, JSONValue)] = [
        (" null\r\n", .null), ("true", true), ("false", false), ("0", 0), ("-0", 0), ("-1", -1), ("1.0", .double(1)),
        ("-0.0", .double(-0.0)), ("1e2", .double(100)), ("1E+2", .double(100)), ("25e-1", .double(2.5)),
        ("9223372036854775807", .int(.max)), ("-9223372036854775808", .int(.min)),
        ("9223372036854775808", .double(9_223_372_036_854_775_808)), ("5e-324", .double(.leastNonzeroMagnitude)),
        ("1e-400", .double(0)),
        ("1.7976931348623157e308", .double(.greatestFiniteMagnitude)), ("[]", []), ("{}", [:]), ("[1,[2]]", [1, [2]]),
        (#"{"a":{"b":null}}"#, ["a": ["b": nil]]), (#""""#, ""), (#""\"\\\/\b\f\n\r\t""#, "\"\\/\u{8}\u{C}\n\r\t"),
        (#""\u0041\u00e9\u20AC\uD83D\ude00\u0000""#, "Aé€😀\0"), ("\"é😀\u{7F}\"", "é😀\u{7F}"),
    ]

    @Test(arguments: values)
    func `documents mean what RFC 8259 says`(text: String, value: JSONValue) {
        #expect((try? JSONReader.parse(text)) == value)
        // Also out of the middle of other bytes.
        #expect((try? JSONReader.parse((Array("[[".utf8) + Array(text.utf8))[2...])) == value)
    }

    static let refused: [(String, String)] = [
        ("", "line 1, column 1: the document ends where a value should be"),
        ("  \n", "line 2, column 1: the document ends where a value should be"),
        ("{\r\n  \"a\": tru\r\n}", "line 2, column 8: expected a value"),
        ("[1,\n2,\n]", "line 3, column 1: expected a value"),
        ("[1 2]", "line 1, column 4: expected ',' or ']'"),
        ("{\"é\" 1}", "line 1, column 7: expected ':' after the member name"),
        ("{a: 1}", "line 1, column 2: expected a member name in quotes"),
        ("{\"a\":1,}", "line 1, column 8: expected a member name in quotes"),
        ("{\"a\":1\n,\"a\":2}", "line 2, column 2: the member \"a\" stands twice"),
        ("{\"a\":1,\"\\u0061\":2}", "line 1, column 8: the member \"a\" stands twice"),
        ("1 2", "line 1, column 3: expected the end of the document"),
        ("01", "line 1, column 2: expected the end of the document"),
        ("1e400", "line 1, column 1: a number out of range"), ("1.", "line 1, column 3: expected a digit"),
        ("-", "line 1, column 2: expected a digit"), ("1e", "line 1, column 3: expected a digit"),
        (".5", "line 1, column 1: expected a value"),
        ("+1", "line 1, column 1: expected a value"), ("NaN", "line 1, column 1: expected a value"),
        ("'a'", "line 1, column 1: expected a value"),
        ("\"a", "line 1, column 1: the string that starts here has no end"),
        ("\"a\nb\"", "line 1, column 3: a control character must be escaped in a string"),
        (#""\x""#, "line 1, column 3: unknown escape"), (#""\"#, "line 1, column 3: the document ends inside a string"),
        (#""\u12G4""#, "line 1, column 6: expected four hexadecimal digits"),
        (#""\u12"#, "line 1, column 6: expected four hexadecimal digits"),
        (#""\ud800""#, "line 1, column 4: half of a surrogate pair"),
        (#""\udc00""#, "line 1, column 4: half of a surrogate pair"),
        (#""\ud800\u0041""#, "line 1, column 4: half of a surrogate pair"),
        (#""\ud800\n""#, "line 1, column 4: half of a surrogate pair"),
        ("\u{FEFF}1", "line 1, column 1: expected a value"), ("/**/1", "line 1, column 1: expected a value"),
    ]

    @Test(arguments: refused)
    func `what is not JSON is refused with its place`(text: String, message: String) {
        #expect(failure(text) == message)
    }

    static let notUTF8: [[UInt8]] = [
        [0x22, 0xFF, 0x22], [0x22, 0xC3, 0x22], [0x22, 0xED, 0xA0, 0x80, 0x22], [0x22, 0xC0, 0x80, 0x22],
        [0x22, 0xF4, 0x90, 0x80, 0x80, 0x22], [0x22, 0x5C, 0x6E, 0x80, 0x22],
    ]

    @Test(arguments: notUTF8)
    func `strings that are not UTF-8 are refused`(bytes: [UInt8]) {
        #expect(failure(bytes) == "line 1, column 1: the string that starts here is not UTF-8")
    }

    @Test func `nesting is bounded before the stack is`() {
        let limit: Int = JSONReader.depthLimit
        func nested(_ levels: Int) -> String {
            String(repeating: "[", count: levels) + "1" + String(repeating: "]", count: levels)
        }
        #expect(failure(nested(limit)) == nil)
        #expect(failure(nested(limit + 1))?.hasSuffix("nested deeper than 64 levels") == true)
        #expect(
            failure(String(repeating: "{\"a\":", count: 1_000_000))?.hasSuffix("nested deeper than 64 levels") == true
        )
    }

    @Test(arguments: [2, 15, 16, 17, 18, 1_000])
    func `a duplicate is found in objects of any size`(count: Int) {
        let keys: [String] = (0..<count - 1).map { "\"k\($0)\":\($0)" }
        #expect((try? JSONReader.parse("{" + keys.joined(separator: ",") + "}"))?.object?.count == count - 1)
        for duplicate in [0, count - 2] {
            let text: String = "{" + keys.joined(separator: ",") + ",\"k\(duplicate)\":0}"
            #expect(failure(text)?.hasSuffix("the member \"k\(duplicate)\" stands twice") == true)
        }
    }

    @Test func `large documents take time in proportion to their size`() throws {
        // Quadratic work on any of these would take minutes.
        let members: String = (0..<50_000).map { "\"k\($0)\":\($0)" }.joined(separator: ",")
        let backwards: String = (0..<50_000).reversed().map { "\"k\($0)\":\($0)" }.joined(separator: ",")
        let left: JSONValue = try JSONReader.parse("{\(members)}")
        let right: JSONValue = try JSONReader.parse("{\(backwards)}")
        #expect(left == right)
        #expect(left.hashValue == right.hashValue)
        let number: JSONValue? = try? JSONReader.parse("0." + String(repeating: "1", count: 500_000))
        #expect(number?.double != nil)
        #expect(failure("\"" + String(repeating: "\\u0041", count: 100_000)) != nil)
    }

    static let members: [(String, JSONValue?)] = [
        (#"{"a":1,"b":"x"}"#, "x"), (#" { "a" : {"b":1,"c":["}",{"b":2}]} , "b" : null } "#, .null),
        (#"{"a":"\"b\":1","b":[true]}"#, [true]), (#"{"a":1}"#, nil), ("{}", nil), (#"{"bb":1,"":2}"#, nil),
        (#"{"a":[[],{}],"b":-2.5e1}"#, .double(-25)), (#"{"x":"b","b":{"b":3}}"#, ["b": 3]),
    ]

    @Test(arguments: members)
    func `one member is found without making anything of the others`(text: String, value: JSONValue?) throws {
        #expect(try JSONReader.member("b", of: Array(text.utf8)) == value)
        #expect(try JSONReader.parse(text)["b"] == value)
    }

    @Test(arguments: ["", "[]", "{", #"{"a""#, #"{"a":"#, #"{"a":1"#, #"{"a":1,"#, #"{"a":"x"#, "{a:1}"])
    func `what is no object is refused up to the member`(text: String) {
        #expect(throws: JSONError.self) { try JSONReader.member("b", of: Array(text.utf8)) }
    }

    @Test func `a member is the same as in the parsed document`() throws {
        for round in 0..<60 {
            var object = JSONObject()
            for index in 0..<(round % 13) {
                let texts: [String] = ["plain", "with \"quotes\" and \\", "{[,:]}", "ä€😀", ""]
                let value: JSONValue =
                    switch index % 5 {
                    case 0: .string(texts[(round + index) % texts.count])
                    case 1: .int(Int64(round - index))
                    case 2: .array([.string(texts[(round + index) % texts.count]), .null])
                    case 3: .object(["removed": .int(1), "x": .bool(true)])
                    default: .null
                    }
                object.append(index == 7 ? "removed" : "m\(index)", value)
            }
            let bytes: [UInt8] = JSONWriter.bytes(.object(object))
            #expect(try JSONReader.member("removed", of: bytes) == object["removed"])
        }
    }
}
