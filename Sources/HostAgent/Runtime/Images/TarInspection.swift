import Glibc
import HostAgentCore

/// Reads the headers of an archive of a root file system and refuses what could reach beyond it.
///
/// Refused: names and hard links that are absolute or have `..`, an entry below a name that is a link in the archive, device
/// nodes. Where links lead is the container's affair: nothing is written through them.
/// Source: POSIX.1-2001 pax and ustar interchange formats; GNU tar manual, "Basic Tar Format" (long names).
struct TarInspection {
    private static let blockBytes: Int = 512
    /// A name or an extended header; longer ones are no honest archive's.
    private static let textBytes: Int = 1024 * 1024

    private let image: String
    /// Names of links seen so far.
    private var links: Set<String> = []
    /// What extended headers say of the next entry.
    private var nextName: String?
    private var nextLink: String?
    private var nextSize: Int?
    private var entries: Int = 0

    /// - Throws: naming the entry and what is wrong with it; also when the file is no archive, or cut off.
    static func check(_ path: String, image: String) throws(OperationFailure) {
        let descriptor: Int32 = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else {
            throw OperationFailure(
                "cannot use image \(image): \(path): \(String(cString: strerror(errno))) on this host"
            )
        }
        defer { close(descriptor) }
        var inspection = TarInspection(image: image)
        try inspection.run(descriptor)
    }

    private init(image: String) { self.image = image }

    private mutating func run(_ descriptor: Int32) throws(OperationFailure) {
        var offset: Int = 0
        while let head: [UInt8] = try block(descriptor, at: offset) {
            offset += Self.blockBytes
            // Zeros end the archive.
            if head.allSatisfy({ $0 == 0 }) { break }
            guard Self.checksumHolds(head) else { throw refusal("it is no tar archive, or it is damaged") }
            let type: UInt8 = head[156]
            guard var size: Int = Self.number(head[124..<136]) else { throw refusal("a size in it is no number") }
            if !Self.isExtension(type), let nextSize { size = nextSize }
            guard size >= 0, size < 1 << 50 else { throw refusal("a size in it is out of range") }
            switch type {
            case UInt8(ascii: "x"), UInt8(ascii: "g"):
                let records: [UInt8] = try text(descriptor, at: offset, size)
                try takeRecords(records, isGlobal: type == UInt8(ascii: "g"))
            case UInt8(ascii: "L"): nextName = Self.text(try text(descriptor, at: offset, size)[...])
            case UInt8(ascii: "K"): nextLink = Self.text(try text(descriptor, at: offset, size)[...])
            default:
                try takeEntry(head, type)
                // Links and folders have no content, whatever their size says.
                if (UInt8(ascii: "1")...UInt8(ascii: "6")).contains(type) { size = 0 }
            }
            offset += (size + Self.blockBytes - 1) / Self.blockBytes * Self.blockBytes
        }
        guard entries > 0 else { throw refusal("it is empty, or no tar archive") }
    }

    private static func isExtension(_ type: UInt8) -> Bool { Array("xgLK".utf8).contains(type) }

    private mutating func takeEntry(_ head: [UInt8], _ type: UInt8) throws(OperationFailure) {
        entries += 1
        var name: String = Self.text(head[0..<100])
        if head[257..<262].elementsEqual("ustar".utf8), head[262] == 0 {
            let prefix: String = Self.text(head[345..<500])
            if !prefix.isEmpty { name = "\(prefix)/\(name)" }
        }
        name = nextName ?? name
        let link: String = nextLink ?? Self.text(head[157..<257])
        nextName = nil
        nextLink = nil
        nextSize = nil
        let path: [Substring] = try parts(name, "the entry '\(name)'")
        try refuseThroughLink(path, name)
        guard !path.isEmpty || type == UInt8(ascii: "5") else { throw refusal("its root is no folder") }
        switch type {
        case 0, UInt8(ascii: "0"), UInt8(ascii: "5"), UInt8(ascii: "6"), UInt8(ascii: "7"):
            // Names that are spelt in two ways are not told apart here: what was a link of that name stays one.
            if name.utf8.allSatisfy({ $0 < 0x80 }) { links.remove(path.joined(separator: "/")) }
        case UInt8(ascii: "1"):
            let target: [Substring] = try parts(link, "the link '\(name)' to '\(link)'")
            try refuseThroughLink(target, link)
            // A second name of a link is a link.
            if links.contains(target.joined(separator: "/")) { links.insert(path.joined(separator: "/")) }
        case UInt8(ascii: "2"): links.insert(path.joined(separator: "/"))
        case UInt8(ascii: "3"), UInt8(ascii: "4"):
            throw refusal("'\(name)' is a device node; make the archive without it (tar --exclude='\(name)')")
        default: throw refusal("'\(name)' is of a kind (\(type)) that a root file system does not have")
        }
    }

    private func refuseThroughLink(_ path: [Substring], _ name: String) throws(OperationFailure) {
        for count in 1..<max(1, path.count) {
            let above: String = path[..<count].joined(separator: "/")
            guard !links.contains(above) else {
                throw refusal("'\(name)' lies below '\(above)', which is a symbolic link in the same archive")
            }
        }
    }

    private func parts(_ name: String, _ what: String) throws(OperationFailure) -> [Substring] {
        guard !name.hasPrefix("/") else { throw refusal("\(what) has an absolute path") }
        let parts: [Substring] = name.split(separator: "/").filter { $0 != "." }
        guard !parts.contains("..") else { throw refusal("\(what) leads out of its root with '..'") }
        return parts
    }

    /// `length key=value\n`, again and again (POSIX pax).
    private mutating func takeRecords(_ bytes: [UInt8], isGlobal: Bool) throws(OperationFailure) {
        var rest: ArraySlice<UInt8> = bytes[...]
        while let space: Int = rest.firstIndex(of: UInt8(ascii: " ")) {
            guard let length = Int(String(decoding: rest[rest.startIndex..<space], as: UTF8.self)),
                length > space - rest.startIndex, length <= rest.count
            else { throw refusal("an extended header in it is damaged") }
            let record: ArraySlice<UInt8> = rest[(space + 1)..<(rest.startIndex + length)]
            rest = rest[(rest.startIndex + length)...]
            guard let sign: Int = record.firstIndex(of: UInt8(ascii: "=")) else { continue }
            let value: String = String(decoding: record[(sign + 1)...].filter { $0 != 0x0A }, as: UTF8.self)
            let key: String = String(decoding: record[..<sign], as: UTF8.self)
            guard !isGlobal || !["path", "linkpath", "size"].contains(key) else {
                throw refusal("a header gives all its entries the same \(key)")
            }
            switch key {
            // Another way to give an entry its name.
            case _ where key.hasPrefix("GNU.sparse."):
                throw refusal("it has sparse files; make the archive without them (tar without --sparse)")
            case "path": nextName = value
            case "linkpath": nextLink = value
            case "size":
                guard let size = Int(value) else { throw refusal("a size in it is no number") }
                nextSize = size
            default: break
            }
        }
    }

    // MARK: Blocks

    /// nil at the end of the file.
    private func block(_ descriptor: Int32, at offset: Int) throws(OperationFailure) -> [UInt8]? {
        let bytes: [UInt8] = read(descriptor, at: offset, Self.blockBytes)
        if bytes.isEmpty { return nil }
        guard bytes.count == Self.blockBytes else { throw refusal("it is cut off") }
        return bytes
    }

    private func text(_ descriptor: Int32, at offset: Int, _ size: Int) throws(OperationFailure) -> [UInt8] {
        guard size <= Self.textBytes else { throw refusal("an extended header in it has \(size) bytes") }
        let bytes: [UInt8] = read(descriptor, at: offset, size)
        guard bytes.count == size else { throw refusal("it is cut off") }
        return bytes
    }

    private func read(_ descriptor: Int32, at offset: Int, _ size: Int) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: size)
        var count: Int = 0
        while count < size {
            let got: Int = bytes.withUnsafeMutableBytes { buffer in
                pread(descriptor, buffer.baseAddress.map { $0 + count }, size - count, off_t(offset + count))
            }
            if got < 0, errno == EINTR { continue }
            guard got > 0 else { break }
            count += got
        }
        return Array(bytes[..<count])
    }

    private static func text(_ bytes: ArraySlice<UInt8>) -> String {
        String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
    }

    /// Octal, or big-endian behind a set first bit (GNU).
    private static func number(_ bytes: ArraySlice<UInt8>) -> Int? {
        guard let first: UInt8 = bytes.first else { return nil }
        if first & 0x80 != 0 {
            guard first == 0x80, bytes.dropFirst().dropLast(8).allSatisfy({ $0 == 0 }), bytes[bytes.endIndex - 8] < 0x80
            else { return nil }
            return bytes.suffix(8).reduce(0) { $0 << 8 | Int($1) }
        }
        let digits: String = text(bytes).filter { $0 != " " }
        return digits.isEmpty ? 0 : Int(digits, radix: 8)
    }

    private static func checksumHolds(_ head: [UInt8]) -> Bool {
        guard let wanted: Int = number(head[148..<156]) else { return false }
        var sum: Int = 0
        for (index, byte) in head.enumerated() { sum += (148..<156).contains(index) ? 0x20 : Int(byte) }
        return sum == wanted
    }

    private func refusal(_ cause: String) -> OperationFailure {
        OperationFailure("cannot use image \(image): \(cause)")
    }
}
