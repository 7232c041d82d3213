/// The way of a request, in order. Each stage adds to the exchange, ends it with an answer, or refuses it.
///
/// What comes before in the list holds for what comes after: nothing is read of an object before the caller is known and
/// allowed in the place, and what an interceptor changed is identified and authorised again.
extension Gateway {
    struct Stage: Sendable {
        var name: String
        var run: @Sendable (inout Exchange, Gateway) async throws(Problem) -> Answer?

        init(_ name: String, _ run: @escaping @Sendable (inout Exchange, Gateway) async throws(Problem) -> Answer?) {
            self.name = name
            self.run = run
        }
    }

    static let stages: [Stage] = [
        Stage("identify", Identify.stage),
        Stage("admit", Admission.stage),
        Stage("scope", ProjectScope.stage),
        Stage("authorise early", EarlyAuthorisation.stage),
        Stage("space", StorageDoor.stage),
        Stage("intercept", Interception.stage),
        Stage("route", Routing.stage),
        Stage("answer", Answering.stage),
    ]
}
