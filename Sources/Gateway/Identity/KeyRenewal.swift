import JSON
import Limits
import Logging
import Metrics
import Model
import Store
import StoreFormat
import Synchronization

/// That a key's secret, which was just shown, is to be kept in today's form.
///
/// The only moment at which that can be done: at any other nobody here knows the secret.
struct KeyRenewal: Hashable, Sendable {
    /// The credential, and how it was when the secret was compared.
    var record: RecordKey
    var revision: Revision
    var secretHash: String

    /// Changes nothing but the form in which the secret is kept; nil when the record is another by now.
    func transaction(_ view: StoreView, requestID: String, at time: Int64) -> Transaction? {
        guard let stored: Record = view.get(record), stored.revision == revision,
            var credential = try? CredentialRecord(document: stored.document)
        else { return nil }
        credential.fields["secretHash"] = .string(secretHash)
        return Transaction(
            time: time,
            actor: "system",
            requestID: requestID,
            audit: AuditRecord(
                eventType: "api.\(credential.kind).rekey",
                resourceType: credential.kind,
                resourceID: record.number,
                description: "its secret is kept under the newest key of the cluster from now on",
                decision: "the key was used"
            ),
            preconditions: [.revision(record, revision)] + ClusterKeys.unchanged(view),
            writes: [
                RecordWriting.put(.credential, .known(record.number), credential.fields, scope: .known(stored.scope))
            ]
        )
    }
}

/// Carries renewals out beside the requests that they come of, one at a time with a pause after each: when the cluster's key
/// was exchanged, thousands of keys may be outdated at once, and each change has every node look at rights anew.
///
/// One that is left out, or fails, comes again with the next use of its key.
final class KeyRenewals: Sendable {
    private let state: any StateProviding
    private let proposer: any Proposing
    private let logger: Logger
    private let now: @Sendable () -> Int64
    /// When the last began, in milliseconds since 1970.
    private let last = Mutex<Int64>(.min / 2)

    init(
        state: any StateProviding,
        proposer: any Proposing,
        logger: Logger,
        now: @escaping @Sendable () -> Int64
    ) {
        self.state = state
        self.proposer = proposer
        self.logger = logger
        self.now = now
    }

    /// Returns at once.
    func begin(_ renewal: KeyRenewal, requestID: String) {
        let time: Int64 = now()
        let isDue: Bool = last.withLock { last in
            // A clock that was set back is no reason to wait for long.
            guard abs(time - last) >= Limits.keyRenewalMilliseconds else { return false }
            last = time
            return true
        }
        guard isDue, let transaction = renewal.transaction(state.store.view, requestID: requestID, at: time) else {
            return
        }
        Task {
            do throws(ProposalFault) {
                _ = try await proposer.propose(transaction)
            } catch {
                logger.debug("a key is kept in its old form still", ["error": .string("\(error)")])
            }
        }
    }
}
