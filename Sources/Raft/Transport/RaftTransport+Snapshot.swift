internal import EventLoop
internal import Limits
internal import Metrics
internal import RaftCore
internal import RaftGroup
internal import RaftLog

extension RaftTransport {
    /// Takes in what a leader sends on the lane of snapshots; each frame is answered.
    func takeSnapshots(_ stream: any ByteStream, _ leftover: [UInt8], from member: MemberID) async {
        var transfer: UInt64?
        var frames = WireFrameReader()
        frames.append(leftover)
        while true {
            while let found = frames.next() {
                guard case .body(let body) = found, let frame = try? SnapshotFrame(decoding: body) else {
                    // What is missing now is asked for again on the next connection.
                    return tally.dropped(.damaged, member, LaneLink.word(found))
                }
                guard let receiver, let reply = await answer(frame, &transfer, receiver, from: member) else { return }
                let bytes: [UInt8] = WireFrame.encoded(reply.encoded)
                do {
                    try await stream.write(bytes, before: .after(milliseconds: Limits.raftWriteMilliseconds))
                    tally.sentBytes.add(UInt64(bytes.count))
                } catch {
                    return
                }
            }
            guard let bytes = try? await stream.read(upTo: 64 * 1024, before: .never), !bytes.isEmpty else { return }
            link(to: member, mayMake: false)?.heard()
            tally.receivedBytes.add(UInt64(bytes.count))
            frames.append(bytes)
        }
    }

    /// Nil ends the connection.
    private func answer(
        _ frame: SnapshotFrame,
        _ transfer: inout UInt64?,
        _ receiver: any PeerReceiver,
        from member: MemberID
    ) async -> SnapshotFrame? {
        let reply: SnapshotReply
        switch frame {
        case .offer(let about, let from, let to):
            guard about.group == group else {
                tally.dropped(.foreignGroup, member, "a snapshot of group \(about.group)")
                return .refused("this member is of group \(group)")
            }
            guard from == member, to == id else {
                tally.dropped(.wrongMember, member, "a snapshot from \(from) to \(to)")
                return .refused("this is member \(id)")
            }
            reply = await receiver.offered(about, from: member)
        case .chunk(let offset, let bytes):
            guard let transfer else { return .refused("nothing was offered") }
            reply = await receiver.took(bytes, at: offset, transfer: transfer)
        case .end:
            guard let transfer else { return .refused("nothing was offered") }
            reply = await receiver.completed(transfer: transfer)
        case .proceed, .installed, .refused:
            tally.dropped(.unreadable, member, "an answer on a connection for requests")
            return nil
        }
        switch reply {
        case .proceed(let number, let offset):
            transfer = number
            return .proceed(offset: offset)
        case .installed: return .installed
        case .refused(let words): return .refused(words)
        case .later: return nil
        }
    }
}
