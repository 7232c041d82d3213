import HTTP
import JSON
import Store

/// Which state a request is answered from.
enum Consistency {
    /// The current state; with `?consistency=stale` what this node has; never below `X-API-Min-Revision`.
    static func view(
        for request: HTTPRequest,
        _ query: QueryItems,
        _ state: any StateProviding
    ) async throws(Problem) -> StoreView {
        let view: StoreView
        if query["consistency"] == "stale" {
            view = state.store.view
        } else {
            do throws(ProposalFault) {
                view = try await state.currentView()
            } catch {
                throw Problem(proposal: error)
            }
        }
        guard let header: String = request.headers["x-api-min-revision"] else { return view }
        guard let minimum = UInt64(header) else {
            throw .badRequest("X-API-Min-Revision is not a number: \(header).")
        }
        guard view.revision >= minimum else {
            throw .unavailable(
                "This node has revision \(view.revision), and the request asks for \(minimum): try again, or ask the cluster that gave it."
            )
        }
        return view
    }
}

extension Problem {
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
