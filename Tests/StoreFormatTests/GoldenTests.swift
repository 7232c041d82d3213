import Bytes
import Glibc
import StoreFormat
import Testing

/// The stored forms as files: a change of one is a change of the format, and wants a new version byte.
struct GoldenTests {
    static let folder: String = {
        let file: String = #filePath
        return String(file[..<(file.lastIndex(of: "/") ?? file.startIndex)]) + "/Golden"
    }()

    /// Compares with the file, or writes it when `DROVER_REWRITE=1`.
    static func golden(_ name: String, _ bytes: [UInt8]) throws -> [UInt8] {
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

    @Test(arguments: Samples.transactions.indices)
    func `transactions are stored as the golden files say`(_ index: Int) throws {
        let (name, transaction): (String, Transaction) = Samples.transactions[index]
        let golden: [UInt8] = try Self.golden(name, transaction.encoded())
        #expect(Hex.encode(transaction.encoded()) == Hex.encode(golden))
        #expect(try Transaction(decoding: golden) == transaction)
        #expect(try transaction.proposal() == golden)
    }

    @Test(arguments: Samples.outcomes.indices)
    func `outcomes are stored as the golden files say`(_ index: Int) throws {
        let (name, outcome): (String, TransactionOutcome) = Samples.outcomes[index]
        let golden: [UInt8] = try Self.golden(name, outcome.encoded())
        #expect(Hex.encode(outcome.encoded()) == Hex.encode(golden))
        #expect(try TransactionOutcome(decoding: golden) == outcome)
    }

    @Test func `records are stored as the golden file says`() throws {
        let golden: [UInt8] = try Self.golden("record", Samples.record.encoded())
        #expect(Hex.encode(Samples.record.encoded()) == Hex.encode(golden))
        #expect(try Record(decoding: golden) == Samples.record)
    }

    @Test func `a template writes known numbers and leaves holes for the others`() {
        #expect(Samples.put.document.bytes == Array(#"{"name":"web","id":,"stackId":42}"#.utf8))
        #expect(Samples.put.document.filled(with: [43, 44]) == Array(#"{"name":"web","id":43,"stackId":42}"#.utf8))
        var twice = Template.Builder()
        twice.append("a$0")
        twice.append(Samples.put.uniqueKeys[0])
        twice.append(number: .created(0))
        #expect(twice.template.filled(with: [43, 44]) == Array("a$0service/4443".utf8))
    }
}
