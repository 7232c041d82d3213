import EventLoop
import JSON
import Testing

extension EndToEnd {
    /// Requests that two servers could read in two ways, through a node to a server behind it.
    @Suite(.serialized) struct SmugglingTests {
        /// What a client sends on one connection, `\n` for `\r\n`, and how many requests the server behind may see of it.
        struct Row: Sendable, CustomTestStringConvertible {
            let name: String
            let bytes: String
            var seen: Int = 0
            var testDescription: String { name }

            init(_ name: String, _ lines: String, seen: Int = 0, isRaw: Bool = false) {
                self.name = name
                bytes =
                    isRaw
                    ? lines : lines.split(separator: "\n", omittingEmptySubsequences: false).joined(separator: "\r\n")
                self.seen = seen
            }
        }

        private static let hidden: String = "GET /lab/smuggled HTTP/1.1\nHost: x\n\n"
        private static let post: String = "POST /lab/front HTTP/1.1\nHost: x\n"

        static let corpus: [Row] = [
            Row("an honest one", "GET /lab/front HTTP/1.1\nHost: x\nConnection: close\n\n", seen: 1),
            Row("an honest body", "\(post)Connection: close\nContent-Length: 2\n\n{}", seen: 1),
            Row(
                "an honest body in chunks",
                "\(post)Connection: close\nTransfer-Encoding: chunked\n\n2\n{}\n0\n\n",
                seen: 1
            ),
            Row("both lengths", "\(post)Content-Length: 4\nTransfer-Encoding: chunked\n\n0\n\n\(hidden)"),
            Row(
                "both lengths, the other way",
                "\(post)Transfer-Encoding: chunked\nContent-Length: 60\n\n0\n\n\(hidden)"
            ),
            Row("two lengths", "\(post)Content-Length: 0\nContent-Length: 44\n\n\(hidden)"),
            Row("a list of lengths", "\(post)Content-Length: 0, 44\n\n\(hidden)"),
            Row("a signed length", "\(post)Content-Length: +0\n\n\(hidden)"),
            Row("a length with a space in it", "\(post)Content-Length: 4 4\n\n\(hidden)"),
            Row("a length in hexadecimal", "\(post)Content-Length: 0x2c\n\n\(hidden)"),
            Row("a length behind a space before the colon", "\(post)Content-Length : 44\n\n\(hidden)"),
            Row("a length on a folded line", "\(post)X: a\n Content-Length: 44\n\n\(hidden)"),
            Row("a length behind a bare line feed", "\(post)X: a\\nContent-Length: 44\n\n\(hidden)"),
            Row("another coding", "\(post)Transfer-Encoding: xchunked\n\n0\n\n\(hidden)"),
            Row("a coding behind another", "\(post)Transfer-Encoding: gzip, chunked\n\n0\n\n\(hidden)"),
            Row("chunked twice", "\(post)Transfer-Encoding: chunked, chunked\n\n0\n\n\(hidden)"),
            Row("two codings", "\(post)Transfer-Encoding: chunked\nTransfer-Encoding: identity\n\n0\n\n\(hidden)"),
            Row("a coding with a tab", "\(post)Transfer-Encoding:\tchunked\u{0B}\n\n0\n\n\(hidden)"),
            Row(
                "a coding in HTTP/1.0",
                "POST /lab/front HTTP/1.0\nHost: x\nTransfer-Encoding: chunked\n\n0\n\n\(hidden)"
            ),
            Row("a chunk of a negative size", "\(post)Transfer-Encoding: chunked\n\n-1\n\n\(hidden)"),
            Row("a chunk of too many digits", "\(post)Transfer-Encoding: chunked\n\n00000000000000000\n\n\(hidden)"),
            Row("a chunk of overflowing size", "\(post)Transfer-Encoding: chunked\n\nfffffffffffffffff\n\n\(hidden)"),
            Row("a chunk that is longer than it says", "\(post)Transfer-Encoding: chunked\n\n2\n{}xx\n0\n\n\(hidden)"),
            Row("a chunk's size behind 0x", "\(post)Transfer-Encoding: chunked\n\n0x0\n\n\(hidden)"),
            Row("two hosts", "GET /lab/front HTTP/1.1\nHost: x\nHost: y\n\n\(hidden)"),
            Row("no host", "GET /lab/front HTTP/1.1\n\n\(hidden)"),
            Row("a line break in the target", "GET /lab/front\\r\\nX:a HTTP/1.1\nHost: x\n\n"),
            Row("spaces in the target", "GET /lab/front /lab/smuggled HTTP/1.1\nHost: x\n\n"),
            Row("a null in a field", "\(post)X: a\0b\nContent-Length: 0\n\n\(hidden)"),
            Row("a field without a name", "\(post): a\nContent-Length: 0\n\n\(hidden)"),
            Row("another version", "GET /lab/front HTTP/1.2\nHost: x\nConnection: close\n\n"),
            // Whole requests whose fields would be dangerous if they were passed on as they came.
            Row(
                "the length named as this connection's own",
                "\(post)Connection: close, Content-Length\nContent-Length: \(hidden.utf8.count + 3)\n\n\(hidden)",
                seen: 1
            ),
            Row(
                "the coding named as this connection's own",
                "\(post)Connection: close, Transfer-Encoding\nTransfer-Encoding: chunked\n\n2\n{}\n0\n\n",
                seen: 1
            ),
            Row(
                "a request within the body of a GET",
                "GET /lab/front HTTP/1.1\nHost: x\nConnection: close\nContent-Length: \(hidden.utf8.count + 3)\n\n\(hidden)",
                seen: 1
            ),
            Row(
                "a request behind encoded line breaks",
                "GET /lab/front%0d%0a%0d%0aGET%20/lab/smuggled%20HTTP/1.1 HTTP/1.1\nHost: x\nConnection: close\n\n",
                seen: 0
            ),
            Row(
                "trailers that look like framing",
                "\(post)Connection: close\nTransfer-Encoding: chunked\n\n2\n{}\n0\nContent-Length: 44\n\n",
                seen: 1
            ),
        ]

        @Test func `a server behind a node sees the requests that the node has read, and no others`() async throws {
            try await DevRig.run(nodes: 1, hosts: 0) { rig in
                let backend: RecordingBackend = try await .behind(rig)
                defer { backend.close() }
                try await wait(for: "the destination to be used") {
                    try await rig.raw(Array(Self.corpus[0].bytes.utf8), seconds: 5).hasPrefix("HTTP/1.1 200")
                }
                for row in Self.corpus {
                    let before: Int = backend.seen.count
                    let plain: String = row.bytes.replacing("\\r", with: "\r").replacing("\\n", with: "\n")
                    let answer: String = try await rig.raw(Array(plain.utf8), seconds: 5)
                    let seen: [String] = Array(backend.seen[before...])
                    #expect(!seen.contains { $0.contains("smuggled HTTP") }, "\(row.name): \(seen)")
                    #expect(seen.count <= row.seen, "\(row.name): \(seen)\n\(answer)")
                    // Whatever is not refused is answered, so nothing was held back to be sent later.
                    let answers: Int = answer.lowercased().ranges(of: "\r\ncontent-length: ").count
                    #expect(answers == 1, "\(row.name): \(answer)")
                    #expect(answer.hasPrefix("HTTP/1.1 200") == (row.seen == 1), "\(row.name): \(answer)")
                }
            }
        }
    }
}
