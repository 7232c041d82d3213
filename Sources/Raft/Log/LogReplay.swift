internal import RaftCore

/// Puts the log together from its segments, in order.
struct LogReplay {
    /// Where writing goes on.
    struct End {
        var head: SegmentHead
        var path: String
        var offset: Int
        var size: Int
        var checksum: UInt32
        var isTorn: Bool
    }

    private(set) var contents: LogContents
    private(set) var configuration: Configuration
    /// For each segment the last index before it; a segment is needed until the next one begins at or below the base.
    private(set) var openings: [(sequence: UInt64, last: LogIndex)] = []
    private(set) var end: End?
    private var checksum: UInt32?

    init(_ contents: LogContents) {
        self.contents = contents
        configuration = contents.baseConfiguration
    }

    mutating func read(_ segment: SegmentReader) throws(LogFault) {
        var reader: SegmentReader = segment
        let isFirst: Bool = openings.isEmpty
        guard let opening = reader.next(after: isFirst ? nil : checksum), opening.kind == .opening else {
            throw .damaged(
                file: reader.path,
                offset: reader.offset,
                reason: isFirst
                    ? "the segment's first record cannot be read"
                    : "the segment does not follow the one before it, whose end is missing"
            )
        }
        try open(opening, isFirst: isFirst, at: SegmentHead.bytes, in: reader)
        openings.append((reader.head.sequence, opening.position.index))
        checksum = opening.checksum
        while true {
            let place: Int = reader.offset
            guard let record = reader.next(after: checksum) else { break }
            try take(record, at: place, in: reader)
            checksum = record.checksum
        }
        try reader.checkEnd()
        end = End(
            head: reader.head,
            path: reader.path,
            offset: reader.offset,
            size: reader.bytes.count,
            checksum: checksum ?? 0,
            isTorn: reader.isTorn
        )
    }

    private mutating func open(
        _ record: LogRecord,
        isFirst: Bool,
        at place: Int,
        in reader: SegmentReader
    ) throws(LogFault) {
        let found: Configuration = try Self.configuration(of: record, at: place, in: reader)
        if isFirst {
            contents.reset(to: record.position, found)
            configuration = found
        }
        guard record.position == contents.last else {
            throw .damaged(
                file: reader.path,
                offset: place,
                reason: "the segment begins after \(record.position), but the log ended at \(contents.last)"
            )
        }
    }

    private mutating func take(_ record: LogRecord, at place: Int, in reader: SegmentReader) throws(LogFault) {
        switch record.kind {
        case .entry(let kind):
            guard record.position.index == contents.last.index + 1, record.position.term >= contents.last.term else {
                throw .damaged(
                    file: reader.path,
                    offset: place,
                    reason: "entry \(record.position) does not follow \(contents.last)"
                )
            }
            if kind == .configuration {
                configuration = try Self.configuration(of: record, at: place, in: reader)
            }
            contents.entries.append(
                LogEntry(
                    index: record.position.index,
                    term: record.position.term,
                    kind: kind,
                    version: record.version,
                    payload: record.payload
                )
            )
        case .truncation:
            configuration = try Self.configuration(of: record, at: place, in: reader)
            contents.truncate(to: record.position, configuration)
        case .reset:
            configuration = try Self.configuration(of: record, at: place, in: reader)
            contents.reset(to: record.position, configuration)
        case .mark: break
        case .opening:
            throw .damaged(file: reader.path, offset: place, reason: "a segment begins inside another")
        }
    }

    private static func configuration(
        of record: LogRecord,
        at place: Int,
        in reader: SegmentReader
    ) throws(LogFault) -> Configuration {
        guard let found = Configuration(encoded: record.payload) else {
            throw .damaged(file: reader.path, offset: place, reason: "the configuration in the record cannot be read")
        }
        return found
    }
}
