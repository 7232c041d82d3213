internal import Bytes
internal import EventLoop
internal import Limits
internal import Metrics
internal import RaftCore
internal import RaftGroup

extension RaftTransport {
    /// Hands on what a member says on a lane of raft messages.
    func readMessages(_ stream: any ByteStream, _ leftover: [UInt8], from member: MemberID) async {
        var frames = WireFrameReader()
        let buffer = ReadBuffer()
        frames.append(leftover)
        while true {
            while let found = frames.next() {
                switch found {
                case .body(let body): deliver(body, from: member)
                case .damagedBody: tally.dropped(.damaged, member, LaneLink.word(found))
                case .damagedHead, .tooLong:
                    // Where the next frame begins is not known any more: the member connects again.
                    return tally.dropped(.damaged, member, LaneLink.word(found))
                }
            }
            guard let count = try? await stream.read(into: buffer, before: .never), count > 0 else { return }
            link(to: member, mayMake: false)?.heard()
            tally.receivedBytes.add(UInt64(count))
            frames.append(buffer.take())
        }
    }

    private func deliver(_ body: [UInt8], from member: MemberID) {
        let message: Message
        do throws(DecodingFault) {
            message = try MessageCodec.decode(body)
        } catch {
            tally.dropped(.unreadable, member, "\(error)")
            // Going on without the entry would leave this member behind for ever, and nobody would know why.
            if case .unknown(MessageCodec.unknownEntry, let kind) = error { onNewerEntry?(member, kind) }
            return
        }
        guard message.group == group else {
            return tally.dropped(.foreignGroup, member, "a message of group \(message.group)")
        }
        guard message.from == member, message.to == id else {
            return tally.dropped(.wrongMember, member, "a message from \(message.from) to \(message.to)")
        }
        tally.received.add()
        receiver?.receive(message)
    }

    // MARK: Calls

    /// Runs the requests of a member, many at a time, and writes their answers.
    func answerCalls(_ stream: any ByteStream, _ leftover: [UInt8], from member: MemberID) async {
        let desk = CallDesk()
        await withTaskGroup(of: Void.self) { tasks in
            tasks.addTask { await self.writeAnswers(of: desk, to: stream) }
            var frames = WireFrameReader()
            let buffer = ReadBuffer()
            frames.append(leftover)
            reading: while true {
                while let found = frames.next() {
                    guard case .body(let body) = found, let frame = try? CallFrame(decoding: body) else {
                        tally.dropped(.damaged, member, LaneLink.word(found))
                        break reading
                    }
                    switch frame {
                    case .request(let number, let asker, let request):
                        guard isOurs(asker, member) else {
                            desk.answers.add(.call(.refusal(number: number, .foreign)))
                            continue
                        }
                        guard let handler = onCall else {
                            desk.answers.add(.call(.refusal(number: number, .stopped)))
                            continue
                        }
                        guard desk.begin(number) else {
                            desk.answers.add(.call(.refusal(number: number, .busy)))
                            continue
                        }
                        desk.run(number, on: stream.loop) { await handler(member, request) }
                    case .ping(let number, let asker):
                        guard isOurs(asker, member) else { continue }
                        desk.answers.add(.call(.pong(number: number)))
                    case .cancel(let number): desk.cancel(number)
                    case .response, .refusal, .pong:
                        tally.dropped(.unreadable, member, "an answer on a connection for requests")
                        break reading
                    }
                }
                guard let count = try? await stream.read(into: buffer, before: .never), count > 0 else { break }
                link(to: member, mayMake: false)?.heard()
                tally.receivedBytes.add(UInt64(count))
                frames.append(buffer.take())
            }
            stream.close()
            tasks.cancelAll()
        }
        desk.cancelAll()
    }

    private func isOurs(_ asker: CallFrame.Asker, _ member: MemberID) -> Bool {
        guard asker.group == group else {
            tally.dropped(.foreignGroup, member, "a request of group \(asker.group)")
            return false
        }
        guard asker.from == member, asker.to == id else {
            tally.dropped(.wrongMember, member, "a request from \(asker.from) to \(asker.to)")
            return false
        }
        return true
    }

    private func writeAnswers(of desk: CallDesk, to stream: any ByteStream) async {
        while true {
            let items: [LaneQueue.Item] = await desk.answers.take()
            guard !items.isEmpty else { return }
            var writer = ByteWriter(reservingCapacity: items.reduce(0) { $0 + $1.cost + WireFrame.headBytes })
            for item in items { WireFrame.append(to: &writer) { item.write(to: &$0) } }
            do {
                try await stream.write(writer.bytes, before: .after(milliseconds: Limits.raftWriteMilliseconds))
                tally.sentBytes.add(UInt64(writer.bytes.count))
            } catch {
                return stream.close()
            }
        }
    }
}
