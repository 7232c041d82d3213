import EventLoop
import HTTP
import JSON
import Limits
import Logging
import Metrics
import Store
import StoreFormat

/// A change that the owner of its scope is to make, and that is made all the same when the owner cannot.
///
/// The owner gets the request with its tickets. When it refuses the connection, fails, or says nothing to this node for
/// ``GatewayTiming/silenceMilliseconds``, this node runs the request itself under the same tickets. Whichever answer comes
/// first counts, and the change is made once: see ``RequestTickets``.
///
/// An owner that answers other requests meanwhile is busy, not silent: making its changes a second time here would add
/// work just when there is too much of it.
enum ForwardedChange {
    private enum Event: Sendable {
        case remote(Remote)
        case silence
        case local(Swift.Result<Answer, Problem>, Exchange)
    }

    /// What came of asking the owner.
    private enum Remote: Sendable {
        case answered(HTTPResponse)
        /// It has no answer for the client. `mayRun`: it may have made the change, or yet make it.
        case failed(String, mayRun: Bool)
        /// The session of the tickets has gone, and nothing was made under them.
        case untouched
    }

    static func answer(
        _ exchange: inout Exchange,
        to peer: PeerAddress,
        _ peers: any PeerForwarding,
        _ gateway: Gateway
    ) async throws(Problem) -> Answer {
        let loop: EventLoop = exchange.connection.loop
        do throws(ProposalFault) {
            exchange.tickets = try await gateway.session.begin(on: loop, before: exchange.deadline)
        } catch {
            throw Problem(proposal: error)
        }
        gateway.counters.forwarded.add()
        let asked: Exchange = exchange
        let (events, sender) = AsyncStream.makeStream(of: Event.self)
        let remote = Task(executorPreference: loop) {
            sender.yield(.remote(await ask(asked, peer, peers)))
        }
        let silence = Task(executorPreference: loop) {
            if await isSilent(peer, peers, on: loop, gateway.timing.silenceMilliseconds) { sender.yield(.silence) }
        }
        defer {
            remote.cancel()
            silence.cancel()
        }
        var course = Course(peer: peer)
        for await event in events {
            switch event {
            case .remote(.answered(let response)):
                guard course.isLocal, response.status >= 400 else { return .forwarded(response) }
                // What is in the owner's way may be this very change, made here a moment ago: this node knows.
                course.remoteEnded("it refuses the change", mayRun: false)
                if let problem: Problem = course.localProblem { throw problem }
            case .remote(.failed(let cause, let mayRun)):
                course.remoteEnded(cause, mayRun: mayRun)
                if let problem: Problem = course.localProblem { throw problem }
            case .remote(.untouched):
                course.remoteEnded("the session was lost", mayRun: false)
                if let problem: Problem = course.localProblem { throw problem }
                // Nothing was made; if this node has not begun either, it can begin anew.
                if let tickets: RequestTickets = exchange.tickets, !course.isLocal {
                    gateway.session.forget(tickets.session)
                    exchange.tickets = nil
                }
            case .silence:
                course.cause = course.cause ?? "it was silent for \(gateway.timing.silenceMilliseconds) ms"
            case .local(let result, let after):
                exchange = after
                if let answer: Answer = try await course.localEnded(result, &exchange, gateway) { return answer }
                continue
            }
            guard !course.isLocal else { continue }
            course.isLocal = true
            tellInVain(course, exchange, gateway)
            var own: Exchange = exchange
            own.mayRunElsewhere = course.remoteMayRun
            Task(executorPreference: loop) { [own] in
                var own: Exchange = own
                let result: Swift.Result<Answer, Problem> = await run(&own, gateway)
                sender.yield(.local(result, own))
            }
        }
        throw .unavailable("This node is stopping; try another one.")
    }

    /// Returns when the owner has answered nobody for `patience`, or this request for very long; false when cancelled.
    private static func isSilent(
        _ peer: PeerAddress,
        _ peers: any PeerForwarding,
        on loop: EventLoop,
        _ patience: Int
    ) async -> Bool {
        let latest: Deadline = .after(milliseconds: Limits.forwardBusyMilliseconds)
        var pause: Int = patience
        while (try? await loop.sleep(milliseconds: pause)) != nil {
            guard !latest.isPast, let silent: Int = peers.silentMilliseconds(of: peer), silent < patience else {
                return true
            }
            pause = patience - silent
        }
        return false
    }

    /// How far it has come.
    private struct Course {
        let peer: PeerAddress
        /// Why the owner's answer is not waited for any longer.
        var cause: String?
        var isRemoteOver: Bool = false
        var remoteMayRun: Bool = true
        var isLocal: Bool = false
        /// What this node has to say when the owner says nothing more.
        var localProblem: Problem?

        init(peer: PeerAddress) {
            self.peer = peer
        }

        mutating func remoteEnded(_ cause: String, mayRun: Bool) {
            self.cause = self.cause ?? cause
            isRemoteOver = true
            remoteMayRun = mayRun
        }

        /// - Returns: nil to wait for the owner all the same.
        mutating func localEnded(
            _ result: Swift.Result<Answer, Problem>,
            _ exchange: inout Exchange,
            _ gateway: Gateway
        ) async throws(Problem) -> Answer? {
            if case .failure(let problem) = result, problem.status >= 500 {
                return try wait(or: problem)
            }
            if !exchange.isSettled, remoteMayRun {
                // Nothing was changed here, and that is what the client will be told: so it must stay that way.
                let outcome: TransactionOutcome?
                do throws(ProposalFault) {
                    outcome = try await gateway.session.settle(&exchange)
                } catch {
                    return try wait(or: Problem(proposal: error))
                }
                if case .committed? = outcome {
                    return try wait(
                        or: .unavailable(
                            "The node \(peer.name) made the change and cannot say so any more. Read the resource before "
                                + "trying again."
                        )
                    )
                }
            }
            return try result.get()
        }

        private mutating func wait(or problem: Problem) throws(Problem) -> Answer? {
            guard !isRemoteOver else { throw problem }
            localProblem = problem
            return nil
        }
    }

    private static func run(_ exchange: inout Exchange, _ gateway: Gateway) async -> Swift.Result<Answer, Problem> {
        do throws(Problem) {
            guard let answer: Answer = try await Answering.stage(&exchange, gateway) else {
                return .failure(.notFound("There is nothing at \(exchange.request.path)."))
            }
            return .success(answer)
        } catch {
            return .failure(error)
        }
    }

    private static func ask(_ exchange: Exchange, _ peer: PeerAddress, _ peers: any PeerForwarding) async -> Remote {
        let request: HTTPRequest = ForwardedRequest.make(
            exchange.request,
            exchange.facts(tickets: exchange.tickets, revision: exchange.view.revision)
        )
        // Over a kept connection that turns out to be dead these are sent a second time.
        let isRepeated: Bool = ["PUT", "DELETE"].contains(request.method)
        do throws(ForwardFault) {
            let answer: HTTPAnswer = try await peers.send(
                request,
                to: peer,
                on: exchange.connection.loop,
                before: exchange.deadline
            )
            // Read to the end before it counts: half an answer would be none, and the change may be asked for again.
            guard let body: [UInt8] = try? await answer.collect() else {
                return .failed("its answer broke off", mayRun: true)
            }
            if answer.status >= 500 {
                if answer.headers.contains(ForwardedFacts.untouched) { return .untouched }
                return .failed("it answered with status \(answer.status)", mayRun: true)
            }
            return .answered(ForwardedRequest.response(answer.head, body))
        } catch {
            switch error {
            case .refused, .neverLeft: return .failed("\(error)", mayRun: isRepeated)
            case .unknown: return .failed("\(error)", mayRun: true)
            }
        }
    }

    private static func tellInVain(_ course: Course, _ exchange: Exchange, _ gateway: Gateway) {
        gateway.counters.forwardedInVain.add()
        gateway.logger.info(
            "the owner does not answer; the change is made here",
            [
                "request.id": .string(exchange.id), "peer": .string(course.peer.name),
                "cause": JSONValue(course.cause),
            ]
        )
    }
}
