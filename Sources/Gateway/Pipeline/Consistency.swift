package import EventLoop
import HTTP
import JSON
import Store
package import StoreFormat

/// Which state a request is answered from.
enum Consistency {
    /// How old a state may be; never from below the revision that the request asks for.
    enum Age {
        case any
        /// See ``recent(_:on:)``.
        case recent
        case current
    }

    /// The current state; with `?consistency=stale` what this node has; never below `X-API-Min-Revision`.
    ///
    /// A forwarded request is answered from what the first node has seen: that one has asked for the current state.
    ///
    static func view(
        for request: HTTPRequest,
        _ query: QueryItems,
        _ facts: ForwardedFacts?,
        _ age: Age,
        on loop: EventLoop,
        _ gateway: Gateway
    ) async throws(Problem) -> StoreView {
        var minimum: UInt64 = facts?.revision ?? 0
        if let header: String = request.headers["x-api-min-revision"] {
            guard let number = UInt64(header) else {
                throw .badRequest("X-API-Min-Revision is not a number: \(header).")
            }
            minimum = max(minimum, number)
        }
        let view: StoreView
        if facts != nil || query["consistency"] == "stale" {
            view = gateway.state.store.view
        } else {
            view =
                switch age {
                case .any: gateway.state.store.view
                case .recent: try await recent(gateway, on: loop)
                case .current: try await current(gateway, on: loop)
                }
        }
        guard view.revision < minimum else { return view }
        let deadline: Deadline = .after(milliseconds: gateway.timing.revisionMilliseconds)
        guard await gateway.state.awaitRevision(minimum, on: loop, before: deadline) else {
            throw .unavailable(
                "This node has revision \(gateway.state.store.view.revision), and the request asks for \(minimum): it "
                    + "lags behind, or another cluster gave that revision. Try again, or ask another node."
            )
        }
        return gateway.state.store.view
    }

    /// Everything that was acknowledged anywhere a second before the call, or later.
    ///
    /// For what only asks who somebody is, and whom nobody minds to have been that a second ago (rule A6: rights end everywhere
    /// within seconds). Whoever is refused on it must be looked at again on ``current(_:on:)``: rights begin at once.
    static func recent(_ gateway: Gateway, on loop: EventLoop) async throws(Problem) -> StoreView {
        if gateway.freshness.isWithin(milliseconds: gateway.timing.identityMilliseconds) {
            return gateway.state.store.view
        }
        return try await current(gateway, on: loop)
    }

    /// Everything that was acknowledged anywhere before the call; waits out a change of the leader.
    static func current(_ gateway: Gateway, on loop: EventLoop) async throws(Problem) -> StoreView {
        var patience = Patience(on: loop, until: .after(milliseconds: gateway.timing.readMilliseconds))
        while true {
            let since: UInt64 = MonotonicClock.now
            do throws(ProposalFault) {
                let view: StoreView = try await gateway.state.currentView()
                gateway.freshness.confirm(since)
                return view
            } catch {
                switch error {
                case .noLeader, .unknown: if await patience.wait() { continue }
                case .busy, .stopping, .tooLarge: break
                }
                throw error == .noLeader ? Problem.noCurrentView : Problem(proposal: error)
            }
        }
    }
}

extension StateProviding {
    /// Looks again and again, for states that cannot tell.
    package func awaitRevision(_ revision: Revision, on loop: EventLoop, before deadline: Deadline) async -> Bool {
        var patience = Patience(on: loop, until: deadline)
        while store.view.revision < revision {
            guard await patience.wait() else { return store.view.revision >= revision }
        }
        return true
    }
}

extension Problem {
    fileprivate static let noCurrentView = Problem.unavailable(
        "The cluster has no leader at the moment, so that nobody can say what is current. Try again, or read with "
            + "?consistency=stale what this node has."
    )

    /// What a caller learns of a proposal that came to nothing.
    init(proposal fault: ProposalFault) {
        switch fault {
        case .noLeader: self = .unavailable("The cluster has no leader at the moment. Nothing was changed; try again.")
        case .busy: self = .unavailable("The cluster has too much to do at the moment. Nothing was changed; try again.")
        case .stopping: self = .unavailable("This node is stopping; try another one.")
        case .tooLarge(let byteCount):
            self = .tooLarge("The change takes \(byteCount) bytes, more than one transaction may have. Split it.")
        case .unknown(let reason):
            self = .unavailable(
                "It is not known whether the change was made (\(reason)). Read the resource before trying again."
            )
        }
    }
}
