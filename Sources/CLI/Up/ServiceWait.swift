internal import EventLoop
internal import JSON
internal import Limits

/// Waits until services are as they should be, and shows how they get there.
struct ServiceWait {
    let project: Project
    let patience: Patience
    let progress: Progress
    /// Seconds without any change after which it gives up.
    var idleSeconds: Int = Limits.clientWaitSeconds

    /// Where one service stands.
    enum Standing: Equatable {
        case settled
        case underWay
        /// Something is wrong that may still pass.
        case troubled
        case gone
    }

    struct Outcome {
        /// As they were last seen.
        var services: [JSONObject]
        var failures: [(service: JSONObject, reason: String)]
    }

    static func standing(_ service: JSONObject) -> Standing {
        if ["removing", "removed", "purging", "purged"].contains(service.state) { return .gone }
        if service.transitioning == "error" { return .troubled }
        guard service.state == "active" || service.state == "upgraded", service.transitioning == "no" else {
            return .underWay
        }
        let health: String = service.text("healthState") ?? "healthy"
        if health == "started-once" { return .settled }
        guard health == "healthy" else { return .underWay }
        // A change of the scale is seen before its containers are.
        if !service.isGlobal, let scale: Int64 = service["scale"]?.int,
            let current: Int64 = service["currentScale"]?.int,
            current != scale
        {
            return .underWay
        }
        return .settled
    }

    static func text(_ service: JSONObject) -> String {
        var text: String = service.shownState
        if let current: Int64 = service["currentScale"]?.int {
            if service.isGlobal {
                text += " \(current)"
            } else if let scale: Int64 = service["scale"]?.int {
                text += " \(current)/\(scale)"
            }
        }
        return service.message.isEmpty ? text : "\(text) (\(service.message))"
    }

    private struct Watched {
        var service: JSONObject
        var troubledSince: Deadline?
        var firstTrouble: Deadline?
        var failure: String?
    }

    /// Waits for each to settle or to fail for good.
    func run(_ services: [JSONObject]) async throws -> Outcome {
        var watched: [Watched] = services.map { Watched(service: $0) }
        var lastChange: UInt64 = MonotonicClock.now
        var nextCheck: Deadline = .after(seconds: 0)
        for await change in project.changes() {
            switch change {
            case .resource(let resource):
                guard let index: Int = watched.firstIndex(where: { $0.service.id == resource.id }),
                    resource["launchConfig"] != nil
                else { break }
                if watched[index].service != resource { lastChange = MonotonicClock.now }
                watched[index].service = resource
            case .connected: nextCheck = .after(seconds: 0)
            case .tick: break
            }
            if nextCheck.isPast {
                if try await recheck(&watched) { lastChange = MonotonicClock.now }
                nextCheck = .after(seconds: Limits.clientRecheckSeconds)
            }
            judge(&watched)
            if watched.allSatisfy({ $0.failure != nil || Self.standing($0.service) == .settled }) {
                return Outcome(services: watched.map(\.service), failures: Self.failures(watched))
            }
            if MonotonicClock.now - lastChange > UInt64(idleSeconds) * 1_000_000_000 {
                for index in watched.indices where watched[index].failure == nil {
                    guard Self.standing(watched[index].service) != .settled else { continue }
                    watched[index].failure = "nothing changed for \(idleSeconds) seconds"
                }
                return Outcome(services: watched.map(\.service), failures: Self.failures(watched))
            }
        }
        throw CancellationError()
    }

    private static func failures(_ watched: [Watched]) -> [(service: JSONObject, reason: String)] {
        watched.compactMap { one in one.failure.map { (one.service, $0) } }
    }

    /// Reads all anew; true when something was not known yet.
    private func recheck(_ watched: inout [Watched]) async throws -> Bool {
        var changed: Bool = false
        for index in watched.indices {
            let id: String = watched[index].service.id
            let current: JSONObject? = try await patience.run { [project] in try await project.get("services", id) }
            var service: JSONObject = watched[index].service
            if let current { service = current } else { service["state"] = "removed" }
            if service != watched[index].service { changed = true }
            watched[index].service = service
        }
        return changed
    }

    private func judge(_ watched: inout [Watched]) {
        for index in watched.indices {
            let service: JSONObject = watched[index].service
            progress.update(service.displayName, Self.text(service))
            switch Self.standing(service) {
            case .settled:
                watched[index].troubledSince = nil
                watched[index].firstTrouble = nil
                watched[index].failure = nil
            case .underWay:
                watched[index].troubledSince = nil
                if watched[index].firstTrouble?.isPast == true { watched[index].failure = "it fails again and again" }
            case .gone: watched[index].failure = "it was removed by somebody else"
            case .troubled:
                let since: Deadline = watched[index].troubledSince ?? .after(seconds: Limits.clientErrorSeconds)
                let first: Deadline = watched[index].firstTrouble ?? .after(seconds: Limits.clientErrorTotalSeconds)
                watched[index].troubledSince = since
                watched[index].firstTrouble = first
                if since.isPast || first.isPast {
                    watched[index].failure = service.message.isEmpty ? "it is in error" : service.message
                }
            }
        }
    }
}

extension JSONObject {
    /// Whether it is a service with a container on each host.
    var isGlobal: Bool {
        self["launchConfig"]?["labels"]?["io.rancher.scheduler.global"]?.string?.lowercased() == "true"
    }
}
