package import JSON
package import Store

/// What operators see and do of the cluster itself; the node supplies it out of Raft, its records and the authority.
package protocol ClusterOperating: Sendable {
    /// `{"clusterId","incarnation","leader","term","commit","members":[…],"scopes":[…]}` as this node sees it.
    ///
    /// What only others know (`lag`, `lastHeardMs`, disks) is asked of them; null when they give no answer in time.
    func status(in view: StoreView) async -> JSONObject

    /// A new token for `node` or `host`: stored by the gateway, shown once.
    ///
    /// - Throws: a problem when this cluster has no authority.
    func makeToken(role: String, in view: StoreView) throws(Problem) -> MintedToken

    /// Asks the leader how it sees the others, so that the objections are its own; at once on the node that leads.
    func refresh() async

    /// Why the node cannot be removed now; nil when it can.
    func objection(toRemoving node: UInt64, in view: StoreView) -> String?

    /// Why the node cannot lead; nil when it can be asked to.
    func objection(toLeading node: UInt64, in view: StoreView) -> String?

    /// Asks the leader to hand over to the node; the status shows when it is done.
    ///
    /// - Throws: a problem when this node does not lead and cannot ask who does.
    func transfer(to node: UInt64) async throws(Problem)

    /// Why the node cannot become a voter now; nil when it can.
    func objection(toPromoting node: UInt64, in view: StoreView) -> String?

    /// Has the leader make a learner a voter.
    ///
    /// - Throws: a problem with the leader's reason.
    func promote(_ node: UInt64) async throws(Problem)

    /// Makes a new authority that is to take the present one's place.
    ///
    /// - Returns: the members of the record of the cluster's keys that begin the exchange; nothing happens until they are
    ///   written.
    func beginRotation(waitSeconds: Int64, holdSeconds: Int64) throws(Problem) -> JSONObject

    /// A backup of the state as it is now, or later, ready to be read.
    ///
    /// - Throws: a problem when the disk has no room for it, or another one is being made.
    func backup() async throws(Problem) -> PreparedBackup
}

/// A backup that waits to be read; what it takes on the disk goes when the last reference does.
package struct PreparedBackup: Sendable {
    /// Its header as a document: what it is of.
    package var about: JSONObject
    /// How many bytes there are.
    package var length: Int
    /// Some of them, ascending from the offset; fewer than wanted only at the end.
    ///
    /// Blocks for the disk.
    package var read: @Sendable (_ offset: Int, _ count: Int) async throws -> [UInt8]

    package init(
        about: JSONObject,
        length: Int,
        read: @escaping @Sendable (_ offset: Int, _ count: Int) async throws -> [UInt8]
    ) {
        self.about = about
        self.length = length
        self.read = read
    }
}

/// A join token as it leaves the place where it was made.
package struct MintedToken: Sendable {
    /// With its secret: for the one who asked for it, and nobody else.
    package var text: String
    /// The part that is no secret.
    package var id: String
    package var secretHash: String

    package init(text: String, id: String, secretHash: String) {
        self.text = text
        self.id = id
        self.secretHash = secretHash
    }
}
