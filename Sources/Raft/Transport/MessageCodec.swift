package import Bytes
internal import Limits
package import RaftCore

/// Messages of the core as bytes.
///
/// Shape (version 1): version · kind · cluster 8 · incarnation 8 · from, to, term as varints · what the kind needs. An entry
/// is kind 1 · version 1 · term varint · payload with its length; its index follows from its place.
package enum MessageCodec {
    package static let version: UInt8 = 1
    /// What ``DecodingFault/unknown(what:value:)`` names when a later version's entry came in.
    static let unknownEntry: String = "kind of log entry"

    package static func encode(_ message: Message) -> [UInt8] {
        var writer = ByteWriter()
        write(message, to: &writer)
        return writer.bytes
    }

    static func write(_ message: Message, to writer: inout ByteWriter) {
        writer.u8(version)
        writer.u8(kind(of: message.body))
        writer.u64(message.group.cluster)
        writer.u64(message.group.incarnation)
        writer.varint(message.from.number)
        writer.varint(message.to.number)
        writer.varint(message.term)
        write(message.body, to: &writer)
    }

    private static func kind(of body: Message.Body) -> UInt8 {
        switch body {
        case .preVoteRequest: 1
        case .preVoteReply: 2
        case .voteRequest: 3
        case .voteReply: 4
        case .append: 5
        case .appendAccepted: 6
        case .appendRejected: 7
        case .heartbeat: 8
        case .heartbeatReply: 9
        case .outdated: 10
        case .campaignNow: 11
        case .readRequest: 12
        case .readReply: 13
        case .readRefused: 14
        }
    }

    private static func write(_ body: Message.Body, to writer: inout ByteWriter) {
        switch body {
        case .preVoteRequest(let request), .voteRequest(let request):
            write(request.last, to: &writer)
            writer.bool(request.isTransfer)
        case .preVoteReply(let granted), .voteReply(let granted): writer.bool(granted)
        case .append(let request):
            write(request.previous, to: &writer)
            writer.varint(request.commit)
            writer.varint(request.number)
            writer.count(request.entries.count)
            for entry in request.entries {
                writer.u8(entry.kind.rawValue)
                writer.u8(entry.version)
                writer.varint(entry.term)
                writer.byteString(entry.payload)
            }
        case .appendAccepted(let match): writer.varint(match)
        case .appendRejected(let rejection):
            writer.varint(rejection.previousIndex)
            write(rejection.hint, to: &writer)
            writer.varint(rejection.number)
        case .heartbeat(let commit, let round):
            write(commit, to: &writer)
            writer.varint(round)
        case .heartbeatReply(let round): writer.varint(round)
        case .outdated, .campaignNow: break
        case .readRequest(let ids), .readRefused(let ids): write(ids, to: &writer)
        case .readReply(let ids, let index):
            write(ids, to: &writer)
            writer.varint(index)
        }
    }

    private static func write(_ position: LogPosition, to writer: inout ByteWriter) {
        writer.varint(position.index)
        writer.varint(position.term)
    }

    private static func write(_ ids: [UInt64], to writer: inout ByteWriter) {
        writer.count(ids.count)
        for id in ids { writer.varint(id) }
    }
}

extension MessageCodec {
    /// - Throws: whatever the bytes are, it is ``DecodingFault`` and nothing else.
    package static func decode(_ bytes: [UInt8]) throws(DecodingFault) -> Message {
        var reader = ByteReader(bytes)
        let version: UInt8 = try reader.u8()
        guard version == self.version else { throw .unknown(what: "message version", value: UInt64(version)) }
        let kind: UInt8 = try reader.u8()
        let group = GroupIdentity(cluster: try reader.u64(), incarnation: try reader.u64())
        let from: MemberID = try member(&reader)
        let to: MemberID = try member(&reader)
        let term: Term = try number(&reader)
        let body: Message.Body = try body(kind, &reader)
        try reader.end()
        return Message(group: group, from: from, to: to, term: term, body: body)
    }

    static func member(_ reader: inout ByteReader) throws(DecodingFault) -> MemberID {
        let offset: Int = reader.offset
        let number: UInt64 = try reader.varint()
        guard number != 0 else { throw .malformed(offset: offset, expected: "a member, which is not 0") }
        return MemberID(number)
    }

    /// A term or an index: one that leaves room to count on, which no honest member ever uses up.
    static func number(_ reader: inout ByteReader) throws(DecodingFault) -> UInt64 {
        let offset: Int = reader.offset
        let value: UInt64 = try reader.varint()
        guard value < 1 << 62 else { throw .malformed(offset: offset, expected: "a number below 2^62") }
        return value
    }

    private static func body(_ kind: UInt8, _ reader: inout ByteReader) throws(DecodingFault) -> Message.Body {
        switch kind {
        case 1: .preVoteRequest(VoteRequest(last: try position(&reader), isTransfer: try reader.bool()))
        case 2: .preVoteReply(granted: try reader.bool())
        case 3: .voteRequest(VoteRequest(last: try position(&reader), isTransfer: try reader.bool()))
        case 4: .voteReply(granted: try reader.bool())
        case 5: .append(try append(&reader))
        case 6: .appendAccepted(match: try number(&reader))
        case 7:
            .appendRejected(
                AppendRejection(
                    previousIndex: try number(&reader),
                    hint: try position(&reader),
                    number: try reader.varint()
                )
            )
        case 8: .heartbeat(commit: try position(&reader), round: try reader.varint())
        case 9: .heartbeatReply(round: try reader.varint())
        case 10: .outdated
        case 11: .campaignNow
        case 12: .readRequest(ids: try ids(&reader))
        case 13: .readReply(ids: try ids(&reader), index: try number(&reader))
        case 14: .readRefused(ids: try ids(&reader))
        default: throw .unknown(what: "message kind", value: UInt64(kind))
        }
    }

    private static func position(_ reader: inout ByteReader) throws(DecodingFault) -> LogPosition {
        LogPosition(index: try number(&reader), term: try number(&reader))
    }

    private static func append(_ reader: inout ByteReader) throws(DecodingFault) -> AppendRequest {
        let previous: LogPosition = try position(&reader)
        let commit: LogIndex = try number(&reader)
        let own: UInt64 = try reader.varint()
        let count: Int = try reader.count(minimumBytes: 4)
        var entries: [LogEntry] = []
        entries.reserveCapacity(count)
        for place in 0..<count {
            let code: UInt8 = try reader.u8()
            guard let kind = LogEntry.Kind(rawValue: code) else {
                throw .unknown(what: unknownEntry, value: UInt64(code))
            }
            let version: UInt8 = try reader.u8()
            let term: Term = try number(&reader)
            let payload = Array(try reader.byteString())
            let index: LogIndex = previous.index + LogIndex(place) + 1
            entries.append(LogEntry(index: index, term: term, kind: kind, version: version, payload: payload))
        }
        return AppendRequest(previous: previous, entries: entries, commit: commit, number: own)
    }

    private static func ids(_ reader: inout ByteReader) throws(DecodingFault) -> [UInt64] {
        var ids: [UInt64] = []
        for _ in 0..<(try reader.count()) { ids.append(try reader.varint()) }
        return ids
    }
}
