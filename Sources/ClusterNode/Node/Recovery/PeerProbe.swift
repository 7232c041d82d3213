import Authority
import EventLoop
import Limits
import Model
import RaftCore
import Store
import StoreFormat

/// Whether the other members of a cluster are really gone: asked before a survivor is made a cluster of its own.
enum PeerProbe {
    /// A member as the survivor knew it.
    struct Member: Hashable, Sendable {
        var name: String
        /// `host:port`; nil when nobody has said.
        var place: String?
    }

    /// The other members, without those whose folders are at hand.
    static func others(_ survivor: Survivor, in view: StoreView, without here: Set<MemberID>) -> [Member] {
        survivor.members.members.filter { $0 != survivor.configuration.member && !here.contains($0) }.map { member in
            let record: NodeRecord? = view.get(RecordKey(.node, member.number)).flatMap {
                try? NodeRecord(document: $0.document)
            }
            let told: String? = survivor.configuration.peers.first { $0.member == member }?.address
            return Member(name: record?.name ?? "member \(member)", place: record?.peer ?? told)
        }
    }

    /// Those at whose peer address somebody takes connections.
    ///
    /// That is all that is looked at: certificates may have expired, and an answer in doubt is an answer.
    static func answering(_ members: [Member]) async throws(NodeFault) -> [Member] {
        let loop: EventLoop
        do throws(NetworkFault) {
            loop = try EventLoop.start()
        } catch {
            throw .network("\(error)")
        }
        let found: [Member] = await withTaskGroup(of: Member?.self) { tasks in
            for member in members {
                guard let place: NetworkPlace = member.place.flatMap({ NetworkPlace($0) }) else { continue }
                tasks.addTask {
                    let stream: SocketStream? = try? await loop.connect(
                        to: .tcp(host: place.host, port: place.port),
                        before: .after(seconds: Limits.recoverProbeSeconds)
                    )
                    stream?.close()
                    return stream == nil ? nil : member
                }
            }
            var found: [Member] = []
            for await member in tasks { if let member { found.append(member) } }
            return found
        }
        await loop.stop()
        return members.filter { found.contains($0) }
    }
}
