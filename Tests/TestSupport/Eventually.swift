/// Waits until `condition` holds; false when it does not within so many seconds, which are far more than it takes.
package func eventually(seconds: Int = 20, _ condition: () async throws -> Bool) async rethrows -> Bool {
    let deadline: ContinuousClock.Instant = .now.advanced(by: .seconds(seconds))
    while .now < deadline {
        if try await condition() { return true }
        try? await Task.sleep(for: .milliseconds(2))
    }
    return try await condition()
}
