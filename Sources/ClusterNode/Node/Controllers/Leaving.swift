import EventLoop
import Gateway
import JSON
import Limits
import Logging
import Model
import Ownership
import RaftCore
import RaftGroup
import RaftTransport
import Store
import StoreFormat

/// What a node does before it stops in good order: it gives away what it owns, so that nobody has to find out that it is gone.
///
/// All of it together is bounded; what is not given away in time is taken by the others once this node is silent.
struct Leaving: Sendable {
    let state: ReplicatedState
    let ownership: Ownership
    let directory: PeerDirectory
    let node: String
    let loop: EventLoop
    let logger: Logger
    let now: @Sendable () -> Int64

    /// Leadership first: who leads then hands out nothing to this node any more.
    func handOver() async {
        await withTaskGroup(of: Void.self) { tasks in
            tasks.addTask(executorPreference: loop) {
                await self.tellOthers()
                _ = await self.state.group.stepDown()
                await self.giveAway()
            }
            tasks.addTask(executorPreference: loop) {
                try? await self.loop.sleep(milliseconds: Limits.leavingMilliseconds)
            }
            await tasks.next()
            tasks.cancelAll()
        }
    }

    private var others: [MemberID] {
        let status: GroupStatus = state.group.status
        return status.configuration.voters.filter { $0 != status.id }
    }

    /// So that none of them moves anything here meanwhile.
    private func tellOthers() async {
        guard let transport: RaftTransport = state.transport else { return }
        await withTaskGroup(of: Void.self) { tasks in
            for member in others {
                tasks.addTask {
                    _ = try? await transport.call(
                        member,
                        PeerCall.leaving.encoded,
                        before: .after(milliseconds: Limits.leavingCallMilliseconds)
                    )
                }
            }
        }
    }

    /// Each environment that this node owns goes to a voter that is there, the one that has the fewest first.
    private func giveAway() async {
        let scopes: [UInt64] = ownership.scopes.filter { $0 != OwnershipPlan.cluster }
        guard !scopes.isEmpty, let transport: RaftTransport = state.transport else { return }
        let silence: [MemberID: Int] = Dictionary(
            transport.status().compactMap { peer in peer.silentMilliseconds.map { (peer.member, $0) } },
            uniquingKeysWith: { $1 }
        )
        let heirs: [String] = others.compactMap { member in
            guard let silent: Int = silence[member], silent < Int(Limits.ownershipDoubtMilliseconds),
                let peer: PeerDirectory.Peer = directory.peer(member), peer.membership == .active,
                !peer.isDraining
            else { return nil }
            return peer.name
        }
        guard !heirs.isEmpty else { return }
        var load: [String: Int] = Dictionary(heirs.map { ($0, 0) }, uniquingKeysWith: { $1 })
        state.store.view.forEachScope { scope, owner in
            if scope != OwnershipPlan.cluster, load[owner.node] != nil {
                load[owner.node, default: 0] += 1
            }
            return true
        }
        var next: [(scope: UInt64, heir: String)] = []
        for scope in scopes {
            guard let heir: String = load.min(by: { ($0.value, $0.key) < ($1.value, $1.key) })?.key else {
                return
            }
            load[heir, default: 0] += 1
            next.append((scope, heir))
        }
        let gifts: [(scope: UInt64, heir: String)] = next
        await withTaskGroup(of: Void.self) { tasks in
            for lane in 0..<min(Limits.ownershipTakes, gifts.count) {
                tasks.addTask(executorPreference: loop) {
                    for index in stride(from: lane, to: gifts.count, by: Limits.ownershipTakes)
                    where !Task.isCancelled {
                        await self.give(gifts[index].scope, to: gifts[index].heir)
                    }
                }
            }
        }
    }

    private func give(_ scope: UInt64, to heir: String) async {
        guard let epoch: UInt64 = ownership.epoch(of: scope) else { return }
        await ownership.release(scope, epoch: epoch)
        while !Task.isCancelled {
            do throws(ProposalFault) {
                _ = try await state.propose(.assignment(of: scope, to: heir, after: epoch, time: now()))
                logger.notice("scope given away", ["scope": .init(scope), "node": .string(heir)])
                return
            } catch {
                guard (try? await loop.sleep(milliseconds: 50)) != nil else { return }
            }
        }
    }
}
