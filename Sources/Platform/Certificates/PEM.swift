internal import Bytes
internal import Limits

/// Labelled base64 between lines of dashes (RFC 7468), read strictly enough and without asking anybody for a password.
enum PEM {
    struct Block: Sendable {
        var label: String
        var bytes: [UInt8]
    }

    /// The blocks of `text`, in order; whatever stands between them is ignored.
    static func blocks(_ text: [UInt8], what: String) throws(CertificateFault) -> [Block] {
        guard text.count <= Limits.certificatePEMBytes else {
            throw CertificateFault(
                .malformed,
                "\(what) has \(text.count) bytes; at most \(Limits.certificatePEMBytes) are read"
            )
        }
        var found: [Block] = []
        var label: String?
        var body: [UInt8] = []
        for line in text.split(whereSeparator: { $0 == 0x0A || $0 == 0x0D }) {
            let line: ArraySlice<UInt8> = trimmed(line)
            if let opened = label {
                if let closed = marker(line, "END") {
                    guard closed == opened else {
                        throw CertificateFault(.malformed, "\(what) begins as '\(opened)' but ends as '\(closed)'")
                    }
                    found.append(Block(label: opened, bytes: try decode(body, what, opened)))
                    label = nil
                } else {
                    body.append(contentsOf: line)
                }
            } else if let begun = marker(line, "BEGIN") {
                label = begun
                body.removeAll(keepingCapacity: true)
            }
        }
        if let label { throw CertificateFault(.malformed, "\(what) has no end of its '\(label)'") }
        return found
    }

    static func encode(_ bytes: [UInt8], label: String) -> [UInt8] {
        var text: [UInt8] = Array("-----BEGIN \(label)-----\n".utf8)
        let body: [UInt8] = Array(Base64.encode(bytes).utf8)
        var start: Int = 0
        while start < body.count {
            let end: Int = min(start + 64, body.count)
            text.append(contentsOf: body[start..<end])
            text.append(0x0A)
            start = end
        }
        text.append(contentsOf: "-----END \(label)-----\n".utf8)
        return text
    }

    private static func decode(_ body: [UInt8], _ what: String, _ label: String) throws(CertificateFault) -> [UInt8] {
        // The old form of an encrypted key has header lines here.
        if body.contains(UInt8(ascii: ":")) {
            throw CertificateFault(.unsuitable, "\(what) is encrypted with a password; give it without one")
        }
        guard let bytes = Base64.decode(String(decoding: body, as: UTF8.self)), !bytes.isEmpty else {
            throw CertificateFault(.malformed, "\(what) holds a '\(label)' that is not base64")
        }
        return bytes
    }

    /// The label of `-----BEGIN label-----`.
    private static func marker(_ line: ArraySlice<UInt8>, _ word: String) -> String? {
        let dashes: String = "-----"
        let start: [UInt8] = Array("\(dashes)\(word) ".utf8)
        guard line.count > start.count + dashes.utf8.count, line.starts(with: start) else { return nil }
        guard line.suffix(dashes.utf8.count).elementsEqual(dashes.utf8) else { return nil }
        let label: ArraySlice<UInt8> = line.dropFirst(start.count).dropLast(dashes.utf8.count)
        guard label.count <= 64, label.allSatisfy({ (0x20...0x7E).contains($0) }) else { return nil }
        return String(decoding: label, as: UTF8.self)
    }

    private static func trimmed(_ line: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        var line: ArraySlice<UInt8> = line
        while let last = line.last, last == 0x20 || last == 0x09 { line.removeLast() }
        while let first = line.first, first == 0x20 || first == 0x09 { line.removeFirst() }
        return line
    }
}
