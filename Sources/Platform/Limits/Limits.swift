/// Every bound of the product, by name, with its default.
///
/// Units stand at the end of each name. A limit that an operator may change is read from here as the
/// default of that setting; all others are what they are.
package enum Limits {
    // MARK: Event loops

    package static let eventLoops: Int = 8
    /// Host names that one loop looks up at a time, each on a thread.
    package static let nameLookups: Int = 16

    // MARK: HTTP (RFC 9112)

    /// A request line or a header line, without its CRLF.
    package static let httpLineBytes: Int = 16 * 1024 + 512
    /// All header lines of one message together.
    package static let httpHeadBytes: Int = 64 * 1024
    package static let httpHeaderCount: Int = 100
    /// Heads up to this size are kept by their connection, to be compared with the next one.
    package static let httpKeptHeadBytes: Int = 4 * 1024
    /// The size of a chunk with its extensions, without its CRLF.
    package static let httpChunkLineBytes: Int = 1024
    /// A request body; longer ones are refused with 413.
    package static let httpBodyBytes: Int = 4 * 1024 * 1024
    /// Longer bodies of requests to destinations are passed on as they come.
    package static let httpStreamedBodyBytes: Int = 64 * 1024
    /// From the first byte of a request to the end of its head, and again for its body, or for each piece of one that is
    /// passed on.
    package static let httpReadSeconds: Int = 20
    /// How long a connection may stay open between two requests.
    package static let httpIdleSeconds: Int = 75
    /// How long after a request its memory stays with the connection, for the next.
    package static let httpRestMilliseconds: Int = 2_000
    package static let httpWriteSeconds: Int = 30
    /// Open connections of one listener, subscribers included; more are refused with 503.
    package static let httpConnections: Int = 16_000
    /// Files and connections that a server node wants to have open at a time; with less it says so when it starts.
    package static let serverDescriptors: Int = 20_000
    /// How long a connection that was refused is still read, so that the peer gets to see the answer.
    package static let httpLingerMilliseconds: Int = 1_000
    /// What is read of a body that nobody wants, so that its sender gets to see the answer.
    package static let httpLingerBytes: Int = 16 * 1024 * 1024
    /// How long running requests may go on when a server stops.
    package static let httpStopSeconds: Int = 10
    /// What a client of ours accepts as an answer.
    package static let httpClientBodyBytes: Int = 64 * 1024 * 1024
    package static let httpClientConnectSeconds: Int = 5
    /// From the end of a request of ours to the head of its answer.
    package static let httpClientAnswerSeconds: Int = 60
    /// Open connections that a client keeps for one endpoint, and how long.
    package static let httpClientIdleConnections: Int = 32
    package static let httpClientIdleSeconds: Int = 30
    /// So short a time after its last exchange a kept connection takes a request that cannot be sent a second time.
    package static let httpClientBusyMilliseconds: Int = 500

    // MARK: HTTP/2 (RFC 9113)

    /// Requests that one connection may have under way at a time; as many again may still run after they were reset.
    package static let http2ConcurrentStreams: Int = 100
    /// What may come of a request's body before room is set aside for the rest of it.
    package static let http2StreamWindowBytes: Int = 64 * 1024
    package static let http2ConnectionWindowBytes: Int = 1024 * 1024
    /// What may come ahead of whoever takes a body as it comes, for so many of them on one connection.
    package static let http2WideWindowBytes: Int = 512 * 1024
    package static let http2WideStreams: Int = 8
    /// The longer bodies of one connection together; a request that finds no room waits with the rest of its body.
    package static let http2BodyBytes: Int = 8 * 1024 * 1024
    /// Requests that are reset by the peer, or refused for what is wrong with them: at once, and each second in the long run.
    package static let http2Resets: Int = 200
    package static let http2ResetsPerSecond: Int = 20
    /// Frames that carry nothing of a request (pings, settings, windows, priorities): at once, and each second in the long run.
    package static let http2ControlFrames: Int = 1_000
    package static let http2ControlFramesPerSecond: Int = 100
    /// Acknowledgements of pings and settings that wait for a peer that does not read.
    package static let http2UnsentAcknowledgements: Int = 100
    /// Entries of one frame of settings.
    package static let http2Settings: Int = 32
    /// Frames that the header fields of one request are continued in.
    package static let http2Continuations: Int = 8
    /// What is written to a connection at once.
    package static let http2WriteBytes: Int = 64 * 1024

    // MARK: TLS and certificates

    /// From the first byte of a handshake to its end.
    package static let tlsHandshakeSeconds: Int = 10
    /// How long the closing message may take to be handed to the system.
    package static let tlsCloseSeconds: Int = 5
    /// How long a peer whose handshake was refused is still read, so that it gets to see the reason.
    package static let tlsLingerMilliseconds: Int = 500
    /// What is encrypted in one go, and sent in one go: a body of 64 KiB with its head, in six full records.
    package static let tlsWriteBytes: Int = 96 * 1024
    /// Answers to a peer's key updates that wait for the next write; more and the connection ends.
    package static let tlsUnsentBytes: Int = 16 * 1024
    /// The certificates that a peer presents, together.
    package static let tlsChainBytes: Int = 64 * 1024
    /// Authorities between a peer's certificate and a trusted one.
    package static let tlsChainDepth: Int32 = 4
    /// A PEM file of certificates or a key.
    package static let certificatePEMBytes: Int = 1024 * 1024
    /// How long before its making a certificate is valid: clocks differ.
    package static let certificateBackdateSeconds: Int64 = 3_600

    // MARK: WebSocket (RFC 6455)

    package static let webSocketMessageBytes: Int = 1024 * 1024
    /// Messages that wait to be sent to a slow reader; one more and the connection is closed.
    package static let webSocketQueuedMessages: Int = 1024
    /// Frames of one subscriber that are taken before others on its loop have their turn.
    package static let webSocketFramesAtOnce: Int = 256
    package static let webSocketWriteSeconds: Int = 30
    /// How long to wait for the peer's half of the closing handshake.
    package static let webSocketCloseSeconds: Int = 5

    // MARK: YAML

    package static let yamlDocumentBytes: Int = 1024 * 1024
    package static let yamlDepth: Int = 32
    /// Nodes after aliases are followed: bounds the "billion laughs" document.
    package static let yamlNodes: Int = 100_000

    // MARK: Transactions and records

    package static let transactionBytes: Int = 1024 * 1024
    package static let transactionWrites: Int = 1_000
    package static let transactionPreconditions: Int = 4_000
    package static let recordBytes: Int = 256 * 1024
    /// One free-form member of a record, such as the metadata of a service, as JSON.
    package static let freeFormFieldBytes: Int = 128 * 1024
    /// Content above this is a blob, not part of a record.
    package static let inlineContentBytes: Int = 64 * 1024
    package static let sessions: Int = 1_024
    /// Requests of one session whose answers are not yet confirmed as received.
    package static let sessionOutstanding: Int = 256
    /// A short text of a transaction: actor, request id, node, credential, ….
    package static let transactionTextBytes: Int = 4 * 1024
    /// An index term, unique key, pool name or policy subject.
    package static let storeKeyBytes: Int = 1024
    package static let recordTerms: Int = 1_000
    package static let recordUniqueKeys: Int = 64
    /// The largest number of a record: what JSON readers that use doubles still keep apart.
    package static let recordNumber: UInt64 = 1 << 53

    // MARK: Checkpoint and history

    /// Changes after which the store writes history and checkpoint by itself.
    package static let checkpointChanges: Int = 20_000
    /// Changes that wait for history in memory; at this many apply waits until they are written.
    package static let historyPendingChanges: Int = 200_000
    /// At this many, while the disk has no space, the log takes no more entries.
    package static let historyHeldChanges: Int = 50_000
    /// Entries of one answer about a resource's past.
    package static let historyEntries: Int = 100
    /// Entries that one question to history returns at most.
    package static let historyPage: Int = 1_000

    // MARK: Raft

    package static let raftSegmentBytes: Int = 16 * 1024 * 1024
    /// Segments whose space is taken ahead, for the day when the disk is full.
    package static let raftReservedSegments: Int = 2
    /// Between two attempts to write while the disk is full.
    package static let raftSpacePauseMilliseconds: Int = 250
    package static let raftUncommittedBytes: Int = 64 * 1024 * 1024
    /// One command; larger ones are refused before they enter the log.
    package static let raftCommandBytes: Int = 2 * 1024 * 1024
    /// Until a proposal or read without an outcome is answered "unknown".
    package static let raftAnswerSeconds: Int = 10
    package static let raftTickMilliseconds: Int = 25
    /// How long a read waits for a leader to be elected before it is refused.
    package static let raftLeaderlessMilliseconds: Int = 2_000
    /// Until a follower asks the leader again for a read whose answer may have been lost.
    package static let raftReadRepeatMilliseconds: Int = 200

    // MARK: Between members

    /// One frame: a command with what stands around it, or a batch of entries.
    package static let raftFrameBytes: Int = 4 * 1024 * 1024
    /// Messages, and their bytes, that wait for a connection to a member; beyond it the oldest is dropped.
    package static let raftQueuedMessages: Int = 1_024
    package static let raftQueuedBytes: Int = 16 * 1024 * 1024
    /// What is written to a connection at once.
    package static let raftWriteBytes: Int = 512 * 1024
    package static let raftDialMilliseconds: Int = 3_000
    /// A write that takes longer breaks the connection.
    package static let raftWriteMilliseconds: Int = 10_000
    /// Between two attempts to connect: the first pause, doubled up to the longest.
    package static let raftRedialMilliseconds: Int = 50
    package static let raftRedialMaximumMilliseconds: Int = 1_000
    /// How often a member is asked for a sign of life on the lane of calls.
    package static let raftPingMilliseconds: Int = 1_000
    /// Without an answer for so long its connections are made anew.
    package static let raftPingSilenceMilliseconds: Int = 5_000
    /// Requests to one member without an answer yet; further ones fail at once.
    package static let raftCalls: Int = 1_024
    /// How often it is looked whether a request to a member has waited too long, while any waits.
    package static let raftCallSweepMilliseconds: Int = 20
    /// A request between nodes, or its answer.
    package static let raftCallBytes: Int = 3 * 1024 * 1024
    package static let raftSnapshotChunkBytes: Int = 256 * 1024
    package static let raftSnapshotBytesPerSecond: Int = 128 * 1024 * 1024
    /// A transfer that moves nothing for so long is given up.
    package static let raftSnapshotStallMilliseconds: Int = 30_000
    /// After a transfer that failed, until the member is sent another snapshot.
    package static let raftSnapshotPauseMilliseconds: Int = 5_000
    /// To replace the state by a received snapshot.
    package static let raftSnapshotInstallMilliseconds: Int = 300_000
    package static let raftSnapshotBytes: UInt64 = 64 * 1024 * 1024 * 1024

    // MARK: Checkpoints

    package static let checkpointSeconds: Int = 30
    /// Log entries that stay behind a checkpoint, for members that are a little late.
    package static let raftKeptEntries: UInt64 = 10_000

    /// How much of the log stays behind a checkpoint on a node whose disk is nearly full.
    package static let raftKeptEntriesLow: UInt64 = 200

    // MARK: Comparing states

    /// Between two comparisons of the members' states.
    package static let stateCompareSeconds: Int = 300
    /// After a node begins to lead, a member comes back, or a comparison failed.
    package static let stateCompareSoonSeconds: Int = 10
    /// Entries that are tried in one comparison, and how far ahead one lies at least when the members are busy.
    package static let stateCompareAttempts: Int = 4
    package static let stateCompareLead: UInt64 = 64
    /// Comparisons in a row that may come to nothing before that is an alarm.
    package static let stateCompareFailures: Int = 3
    /// How long a member waits for the entry that was named, and how often it looks.
    package static let stateHashWaitMilliseconds: Int = 5_000
    package static let stateHashLookMilliseconds: Int = 20
    /// For a member to answer with its hash.
    package static let stateHashCallSeconds: Int = 30

    // MARK: Disk space

    /// With less than this free on the disk of its data folder a node is read-only.
    package static let diskLowBytes: UInt64 = 256 * 1024 * 1024
    /// On a small disk it is this part of the whole: one in so many.
    package static let diskLowPart: UInt64 = 8
    /// It takes changes again when so many percent more than that are free: a disk at the edge does not flap.
    package static let diskAmplePercent: UInt64 = 125
    /// Between two looks at the free space.
    package static let diskLookMilliseconds: Int = 1_000
    /// Between two attempts of a node without space to write its checkpoint, give back its log and hand over leadership.
    package static let diskReliefMilliseconds: Int = 5_000
    /// What a node keeps free for opening its files: with less it gives up a part of the log's reserve when it starts.
    package static let diskStartBytes: UInt64 = 4 * 1024 * 1024

    // MARK: Membership

    /// How long a node's certificate is good; it is exchanged at a random moment past its half.
    package static let nodeCertificateSeconds: Int64 = 90 * 86_400
    package static let hostCertificateSeconds: Int64 = 30 * 86_400
    /// How long a person's certificate is good unless it is said otherwise.
    package static let personCertificateSeconds: Int64 = 30 * 86_400
    /// How long it is good at least, and at most.
    package static let personCertificateMinimumSeconds: Int64 = 3_600
    package static let personCertificateMaximumSeconds: Int64 = 90 * 86_400
    /// Certificates of one account that are neither removed nor over.
    package static let personCertificates: Int = 100
    /// How long a join token lets somebody in, unless it is said otherwise.
    package static let joinTokenSeconds: Int64 = 3_600
    package static let joinTokenMaximumSeconds: Int64 = 7 * 86_400
    /// Join tokens that are kept; more are not made until old ones go.
    package static let joinTokens: Int = 1_000
    /// How long a join token that is used or expired can still be looked up.
    package static let joinTokenKeptSeconds: Int64 = 7 * 86_400
    /// A request to join, with its certificate request.
    package static let joinBodyBytes: Int = 64 * 1024
    /// Refused joins that one node writes into the state; further ones are in its log only.
    package static let joinAuditsPerMinute: Int = 10
    /// How long a node that was removed, or whose certificate has expired, may go on over what it holds open.
    package static let peerAdmissionMilliseconds: Int = 2_000
    /// Connections of one address that have not shown whose they are: on the port for peers, and on the one for HTTPS.
    package static let peerStrangers: Int = 256
    package static let httpsStrangers: Int = 1_024
    /// To try one address when joining, from the connection to the answer.
    package static let joinSeconds: Int = 30
    /// Between two looks at the members, besides those that changes cause.
    package static let membershipMilliseconds: Int = 1_000
    /// The least that the settings of the cluster mean, and the most.
    package static let deadNodeMinimumSeconds: Int = 60
    package static let rehearsalMinimumSeconds: Int = 60
    package static let settingMaximumSeconds: Int = 10 * 365 * 86_400
    /// How long a node waits for what others say of themselves.
    package static let healthCallMilliseconds: Int = 1_000
    /// How long each phase of an exchange of the authority waits for who is not ready, unless it is said otherwise.
    package static let rotationWaitSeconds: Int64 = 600
    package static let rotationMaximumSeconds: Int64 = 30 * 86_400
    /// What a backup is read and sent in.
    package static let backupPieceBytes: Int = 256 * 1024
    /// The header of a backup: who made it, of what.
    package static let backupHeaderBytes: Int = 64 * 1024
    /// How long the command waits for the node to write a backup before its first byte comes.
    package static let backupAnswerSeconds: Int = 600
    /// By how much the revision grows when a cluster is restored or recovered: more than any client has seen.
    package static let rebirthRevisions: UInt64 = 1_000_000_000
    /// How long `cluster recover` waits for another member to answer before it counts as gone.
    package static let recoverProbeSeconds: Int = 3

    /// A learner that is no further behind than this, in so many looks in a row, becomes a voter.
    package static let promotionLagEntries: UInt64 = 500
    package static let promotionLooks: Int = 2
    /// A member that was silent for so long does not count as there.
    package static let memberSilenceMilliseconds: Int = 3_000

    // MARK: Watches

    /// Events that wait for a slow watcher; one more and it is closed with the revision to resume from.
    package static let watchQueuedEvents: Int = 4_096
    /// Changes kept in memory for watches that resume.
    package static let watchMemoryEvents: Int = 50_000
    package static let watches: Int = 20_000
    /// Events that a watch that catches up takes from memory or history at a time.
    package static let watchCatchUpEvents: Int = 256
    package static let subscribeQueuedMessages: Int = 1_024

    // MARK: API

    package static let collectionDefault: Int = 100
    package static let collectionMaximum: Int = 3_000
    package static let conflictRetries: Int = 5
    /// How long a node may be silent and still have a `clusterMembership`: three check-ins of five seconds (contract A22).
    package static let membershipSilenceMilliseconds: Int64 = 15_000
    package static let containerCountPerPost: Int = 100
    /// What the API lets a resource grow to: less than a record, because controllers add members of their own.
    package static let resourceBytes: Int = 192 * 1024
    /// Members that an environment is created with.
    package static let projectMembers: Int = 200
    /// Filters of one collection request: each is tried on every row.
    package static let collectionFilters: Int = 64
    /// A pattern of `like`; a longer one matches nothing.
    package static let likePatternBytes: Int = 1024
    /// A form of several parts.
    package static let multipartBytes: Int = 100 * 1024
    /// What the audit log keeps of a request; of a longer one it keeps the length.
    package static let auditedRequestBytes: Int = 32 * 1024
    /// Callers and environments that a gateway keeps in mind while nobody's rights change.
    package static let knownCallers: Int = 4_096
    /// How old the state may be by which callers of destinations are known and let in.
    package static let identityFreshMilliseconds: Int = 1_000
    /// Tokens of streams that were used here and have not expired yet.
    package static let streamTickets: Int = 10_000
    /// From the action that gives a stream's token to the opening of the stream.
    package static let streamTicketMilliseconds: Int64 = 60_000
    /// A stream's token, with everything that it says.
    package static let streamTicketBytes: Int = 12 * 1024
    /// How long a request goes on trying while the cluster has no leader, or an answer is lost.
    package static let requestSeconds: Int = 10
    /// How long a read waits for a leader.
    package static let readPatienceMilliseconds: Int = 5_000
    /// How long a request waits until this node has the revision that it asks for.
    package static let revisionWaitMilliseconds: Int = 2_000
    /// The longest pause between two attempts of one request.
    package static let requestPauseMilliseconds: Int = 200
    /// How often the rights behind an open stream are looked at again, and a subscriber hears a ping.
    package static let streamRightsMilliseconds: Int = 5_000
    /// Pings after which a subscription ends, unless `api.sub.max.pings` says otherwise: those of twelve hours.
    package static let subscriptionPings: Int64 = 8_640
    package static let serviceScale: Int = 10_000

    // MARK: Forwarding between nodes

    /// How long the owner of an environment may be silent before the node that was asked makes the change itself.
    package static let forwardSilenceMilliseconds: Int = 200
    /// How long an owner that answers others may take for one change before the node that was asked makes it itself.
    package static let forwardBusyMilliseconds: Int = 5_000
    package static let forwardConnectMilliseconds: Int = 1_000
    /// Open connections to one node that a loop keeps: each one more costs both nodes a handshake.
    package static let forwardIdleConnections: Int = 512
    /// How long a stream waits for somebody to own what it is about.
    package static let forwardOrphanMilliseconds: Int = 5_000
    /// For the owner to open a stream.
    package static let forwardOpenSeconds: Int = 5
    /// How often a forwarded stream looks whether the owner is still the same.
    package static let forwardOwnerMilliseconds: Int = 1_000
    /// What one direction of a forwarded stream holds in memory.
    package static let forwardPieceBytes: Int = 64 * 1024
    /// What a node tells another of the interceptors' verdicts.
    package static let forwardedNoteBytes: Int = 4 * 1024
    /// What the head of a forwarded request may have beyond that of a client's.
    package static let forwardHeadBytes: Int = 8 * 1024

    // MARK: Audit

    /// Rows of the audit log that are read at once, and that one request looks at when it seeks what is rare.
    package static let auditPage: Int = 500
    package static let auditScan: Int = 20_000
    /// Lines of a node's trail that wait to be written; more are counted and dropped.
    package static let auditQueuedLines: Int = 8_192
    /// How often they are written, and until when at the latest a line is on the disk.
    package static let auditFlushMilliseconds: Int = 100
    /// A file of the trail, and of the access log; then the next begins.
    package static let auditFileBytes: Int = 16 * 1024 * 1024
    package static let accessLogFileBytes: Int = 64 * 1024 * 1024
    /// Files of the access log that stay.
    package static let accessLogFiles: Int = 4
    /// Lines of the access log that wait to be written; more are counted and dropped.
    package static let accessLogQueuedLines: Int = 16_384
    /// How often it is looked what may be purged.
    package static let auditPurgeSeconds: Int = 600

    // MARK: Interceptors

    /// Interceptors, and destinations, of one configuration; paths of one of them.
    package static let interceptors: Int = 64
    package static let interceptorPaths: Int = 256
    package static let pathTemplateBytes: Int = 1_024
    /// Groups inside groups, a count such as `{2,5}`, and the states of a whole template.
    package static let pathExpressionDepth: Int = 16
    package static let pathExpressionRepeats: Int = 200
    package static let pathExpressionStates: Int = 2_000
    /// The longest that an interceptor is waited for, and how long without a timeout of its own.
    package static let interceptorSeconds: Int = 10
    package static let interceptorReplyBytes: Int = 1024 * 1024
    /// Calls to one interceptor that may be under way at a time.
    package static let interceptorCalls: Int = 512
    /// Failures in a row after which an interceptor is not called for a moment.
    package static let interceptorFailures: Int = 5
    package static let interceptorPauseMilliseconds: Int = 2_000
    /// How long a connection to an interceptor is kept.
    package static let interceptorIdleMilliseconds: Int = 2_000
    /// Open connections that each event loop keeps for one destination.
    package static let destinationIdleConnections: Int = 256
    /// Interceptors whose calls lead to each other.
    package static let interceptorDepth: Int = 3
    /// How long the service that checks passwords is waited for, unless a setting says otherwise; and what it may answer.
    package static let passwordCheckMilliseconds: Int = 10_000
    /// See ``passwordCheckMilliseconds``.
    package static let passwordCheckAnswerBytes: Int = 64 * 1024
    /// How long it may be believed what interceptors and destinations are told of a caller.
    package static let assertionSeconds: Int64 = 900
    /// From the moment when a new key for that is published to the moment when it signs.
    package static let assertionLeadSeconds: Int64 = 600
    /// How long those who verify may keep the published keys.
    package static let assertionKeySetSeconds: Int64 = 300
    /// How long a key is published after the next one signs: what it signed last, clocks that differ, and some more.
    package static let assertionKeptSeconds: Int64 = assertionSeconds + 120
    /// Keys that are kept at a time.
    package static let assertionKeys: Int = 8
    /// Requests of which a node remembers what the interceptors did.
    package static let interceptorTraces: Int = 1_000
    /// Changes of one interceptor that are told, and the bytes of a value in them.
    package static let interceptorDifferences: Int = 50
    package static let interceptorShownBytes: Int = 256
    /// Disagreements of a shadow that are kept.
    package static let interceptorSamples: Int = 20
    /// An answer that interceptors of answers are shown.
    package static let interceptedAnswerBytes: Int = 4 * 1024 * 1024
    /// Until the head of a destination's answer.
    package static let destinationSeconds: Int = 60

    // MARK: Controllers

    /// Instances placed by one transaction.
    package static let placementBatch: Int = 50
    /// Orders to existing records (start, stop, remove) in one transaction.
    package static let orderBatch: Int = 200
    /// After the first failure; doubled with each further one.
    package static let restartBackoffMilliseconds: Int64 = 1_000
    package static let restartBackoffMaximumMilliseconds: Int64 = 120_000
    /// An instance that lives this long past its back-off has no failures behind it any more.
    package static let restartStableMilliseconds: Int64 = 60_000
    /// The longest pause that may be asked for between two batches of a service's restart.
    package static let restartIntervalMilliseconds: Int64 = 3_600_000
    /// How long a removed record can still be looked up.
    package static let removedPurgeSeconds: Int64 = 600

    // MARK: Ownership

    /// An owner that is silent for this long loses its scopes; a new leader listens this long first.
    package static let ownershipLostMilliseconds: Int64 = 2_000
    /// A node that is silent for this long is given nothing, and nothing is moved that need not be.
    package static let ownershipDoubtMilliseconds: Int64 = 1_000
    /// How long everybody must have been steadily there, or away, before a planned move.
    package static let ownershipCalmMilliseconds: Int64 = 5_000
    /// A planned move whose drain takes longer is made without it.
    package static let ownershipDrainMilliseconds: Int64 = 5_000
    /// Steps of one decision; the rest follows with the next.
    package static let ownershipSteps: Int = 200
    /// The greatest weight of a node.
    package static let ownershipWeight: Int = 64
    /// How long one node waits for another's answer to a short question.
    package static let peerCallSeconds: Int = 3
    /// How long a node waits for what the leader made of a proposal that it handed over; then the outcome is unknown.
    package static let handedProposalMilliseconds: Int = 2_000
    /// Scopes that a node which starts again takes anew at a time.
    package static let ownershipTakes: Int = 16
    /// A node that stops gives away leadership and scopes for so long at most.
    package static let leavingMilliseconds: Int = 5_000
    package static let leavingCallMilliseconds: Int = 500
    /// How long a node that said that it stops is given nothing.
    package static let leavingMemoryMilliseconds: Int64 = 10_000
    /// A server that stops answers on for so long, each answer the last of its connection, before it closes its door.
    package static let httpDrainMilliseconds: Int = 300
    /// How often a leader looks whether everybody is there.
    package static let ownershipLookMilliseconds: Int = 200
    /// How long something waits for this node to be given the scope that it is about.
    package static let ownershipWaitSeconds: Int = 5
    /// When more than `brakePercent` of a scope's hosts, and at least `brakeHosts`, vanish within this time, nothing is created
    /// elsewhere for them.
    package static let brakeWindowMilliseconds: Int64 = 60_000
    package static let brakePercent: Int = 30
    package static let brakeHosts: Int = 2

    // MARK: Host streams

    package static let hostFrameBytes: Int = 1024 * 1024
    package static let hostPingSeconds: Int = 5
    package static let hostSilenceSeconds: Int = 15
    /// A node that has reached no majority of the cluster for this long lets its hosts go: another one may own them by now.
    package static let hostCutOffSeconds: Int = 30
    /// Before what a host said is proposed again, after the cluster did not take it.
    package static let hostReportPauseMilliseconds: Int = 200
    /// From `reconnecting` to `disconnected`.
    package static let hostDisconnectSeconds: Int = 180
    /// Containers that a report lists as unknown to the server; the rest is kept all the same.
    package static let hostOrphans: Int = 500
    /// Instances that one host is told to keep.
    package static let hostInstances: Int = 10_000
    /// Operations on containers that an agent runs at once, besides pulls.
    package static let hostOperations: Int = 16
    package static let hostPulls: Int = 4
    /// Tombstones carried out that an agent remembers.
    package static let hostTombstones: Int = 10_000
    /// Incarnations of its cluster that an agent remembers to have left.
    package static let hostIncarnations: Int = 64
    /// When a scope moves, its hosts look for the new owner within so long for each of them, and within so long at most.
    package static let hostMoveSpreadMilliseconds: UInt64 = 5
    package static let hostMoveMilliseconds: UInt64 = 2_000
    /// Between two looks at all containers, besides those that events cause.
    package static let hostInventorySeconds: Int = 60
    /// The longest wait before an operation on a container is tried again.
    package static let hostRetrySeconds: Int = 60
    /// The longest wait before an agent connects again.
    package static let hostReconnectSeconds: Int = 30
    /// Events of a runtime that wait; with more, the agent looks at all containers instead.
    package static let hostEvents: Int = 1_024
    /// To get an image, from the request to its end.
    package static let hostPullSeconds: Int = 1_800
    /// One line of an engine's event or progress stream.
    package static let hostEngineLineBytes: Int = 256 * 1024
    /// Streams of output, of containers and of commands, that an agent carries at once.
    package static let hostLogStreams: Int = 256
    /// A host's or a person's request for a certificate, in PEM.
    package static let certificateRequestCharacters: Int = 8_192
    /// An agent's attempt to reach one server, its TLS handshake included, before it tries the next.
    package static let hostConnectMilliseconds: Int = 3_000
    /// A stream that ends sooner was none to speak of: the agent waits before it opens many of them.
    package static let hostShortStreamMilliseconds: UInt64 = 5_000
    /// Base URLs of servers that an agent keeps.
    package static let hostServers: Int = 64
    package static let hostLogChunkBytes: Int = 32 * 1024
    /// What one stream of output, or of input, may have under way: its credit at the start.
    package static let hostStreamCreditBytes: Int = 256 * 1024
    /// What each piece takes of a stream's credit besides its bytes.
    package static let hostStreamPieceCost: Int = 64
    /// What may wait for the reader of a stream whose host knows no credit; with more, the stream ends.
    package static let hostStreamBacklogBytes: Int = 8 * 1024 * 1024
    /// From the order to run a command until the agent says that it runs.
    package static let hostExecStartSeconds: Int = 30
    /// How long a client of a stream may stop reading before the stream is closed.
    package static let streamPauseSeconds: Int = 3_600
    /// Between two pings on the stream of a command: a client that is gone is noticed by them.
    package static let streamPingSeconds: Int = 20

    // MARK: Containers without an engine

    /// One file of a container's output; there are two, and the older one goes when the newer one is full.
    package static let hostOutputFileBytes: Int = 8 * 1024 * 1024
    /// A longer line of output is kept in pieces.
    package static let hostOutputLineBytes: Int = 16 * 1024
    /// Connections to one container's published ports; further ones wait.
    package static let hostForwardedConnections: Int = 1_024
    /// Senders of datagrams to one container's published ports at a time; those of others are dropped.
    package static let hostForwardedFlows: Int = 1_024
    /// How long a sender of datagrams is remembered.
    package static let hostForwardedFlowSeconds: Int = 60

    // MARK: SQLite

    package static let sqliteBusyMilliseconds: Int32 = 5_000
    /// Prepared statements that one connection keeps; the oldest gives way.
    package static let sqliteStatements: Int = 64

    // MARK: Logs and metrics

    /// One text of a log record; the rest is cut off and its length told.
    package static let logValueBytes: Int = 4 * 1024
    package static let logMetadataCount: Int = 64
    /// How long a record waits for a slow reader of the log before it is dropped and counted.
    package static let logWriteMilliseconds: Int32 = 100
    /// Label combinations of one metric; further ones are counted together, under the label value `other`.
    package static let metricSeries: Int = 1_000
    /// How long `/healthz` waits for an event loop to answer.
    package static let healthAnswerMilliseconds: Int = 1_000
    /// How long the Raft thread may go without a turn before `/healthz` calls the node stuck.
    package static let healthTurnMilliseconds: Int = 10_000
    /// Committed entries that a node may still have to apply and be ready all the same.
    package static let readyLagEntries: UInt64 = 10_000

    // MARK: Turns

    /// Requests of clients that a node works on at a time; further ones wait for their turn.
    package static let requestsAtOnce: Int = 1_024
    /// How many of those can be of one key, login or address.
    package static let requestsAtOnceOfCaller: Int = 768
    /// And how many of its requests can wait.
    package static let requestsWaitingOfCaller: Int = 4_096
    /// Environments with quotas of which a node remembers what it has counted.
    package static let usagePages: Int = 256
    /// Callers whose rate a node remembers.
    package static let rateKnown: Int = 16_384

    // MARK: Logging in

    package static let passwordMinimumBytes: Int = 8
    package static let passwordBytes: Int = 256
    /// What a client gives to log in: a login and a password, or what a provider gave it.
    package static let loginCodeBytes: Int = 4 * 1024
    /// Passwords that are hashed at the same time: each takes 128 MiB.
    package static let passwordHashes: Int = 2
    /// Logins that wait for their hash, and those of them from one address.
    package static let passwordsWaiting: Int = 64
    package static let passwordsWaitingOfAddress: Int = 4
    /// What a user interface remembers for an account, and how long one value of it may be.
    package static let userPreferences: Int = 200
    package static let userPreferenceCharacters: Int = 16_384
    /// Tokens of one account; a further login ends the oldest.
    package static let loginTokensOfAccount: Int = 100
    /// How many logins and addresses with failures one node remembers, each.
    package static let guessersKnown: Int = 16_384
    /// Failures after which a login, and an address, has to wait before the next attempt.
    package static let guessesOfLogin: Int = 5
    package static let guessesOfAddress: Int = 20
    package static let guessPauseMilliseconds: Int64 = 500
    /// The longest such wait of a login, and of an address.
    package static let guessLoginWaitMilliseconds: Int64 = 5_000
    package static let guessAddressWaitMilliseconds: Int64 = 60_000
    /// After so long without another failure all is forgotten.
    package static let guessMemoryMilliseconds: Int64 = 900_000
    /// Environments without members that whoever switches access control on becomes the owner of.
    package static let adoptedProjects: Int = 200
    /// A provider's token, its keys, and the groups in a token that count.
    package static let providerTokenBytes: Int = 32 * 1024
    package static let providerKeys: Int = 64
    package static let providerGroups: Int = 100
    /// How far a provider's clock may be off, and how old a token may be that it has just made.
    package static let providerClockSeconds: Int64 = 60
    package static let providerTokenSeconds: Int64 = 600
    /// A document that a provider answers with.
    package static let providerDocumentBytes: Int = 256 * 1024
    /// The file of the system's certificate authorities.
    package static let systemAuthoritiesBytes: Int = 8 * 1024 * 1024
    /// How long a provider may take, for each call.
    package static let providerCallSeconds: Int = 10
    /// How long what a provider has published is believed; how soon it is asked again for a key that is not there.
    package static let providerMemoryMilliseconds: Int64 = 3_600_000
    package static let providerPauseMilliseconds: Int64 = 10_000
    /// How long somebody may take at the provider.
    package static let providerVisitMilliseconds: Int64 = 600_000
    /// Visits that a node remembers to be over.
    package static let providerVisits: Int = 16_384
    /// Keys of logins and secrets: a further rotation drops the oldest of which no API key's secret is kept.
    package static let identityKeys: Int = 8
    /// All of them, with those that are kept for API keys that nobody has used since.
    package static let identityKeysInUse: Int = 64
    /// How long after the last secret that a node kept anew, because its key was used, it keeps the next one.
    package static let keyRenewalMilliseconds: Int64 = 1_000
    /// Wrong secrets after which an access key has to wait, where they come from, and after which an address has.
    package static let guessesOfKey: Int = 5
    package static let guessesOfKeysOfAddress: Int = 50
    /// The longest such wait of an access key, and of an address.
    package static let guessKeyWaitMilliseconds: Int64 = 5_000
    package static let guessKeysAddressWaitMilliseconds: Int64 = 60_000
    /// Identities that a search answers with.
    package static let identitiesFound: Int = 100

    // MARK: Rights

    /// Rules of one role or template.
    package static let accessRules: Int = 200
    /// Templates behind one template, by whatever way.
    package static let inheritedTemplates: Int = 20
    package static let bindingSubjects: Int = 100
    /// Bindings that name one account, key or group: what a caller's rights are made of, once for each change of rights.
    package static let bindingsOfSubject: Int = 1_000
    /// Subjects that the preview of a change of roles looks at.
    package static let previewSubjects: Int = 200

    // MARK: Federation
    package static let federationLinks: Int = 64
    /// `federation.json`.
    package static let federationFileBytes: Int = 1024 * 1024
    /// Until another cluster has answered a request that was passed on to it.
    package static let federationAnswerMilliseconds: Int = 30_000
    package static let federationConnectMilliseconds: Int = 3_000
    /// Until a cluster that has not answered is left out of a list.
    package static let federationListMilliseconds: Int = 5_000

    // MARK: Programs that we run

    package static let subprocessSeconds: Int = 120
    /// Between the request to end and the end by force; also how long output may stay open after a program's end.
    package static let subprocessGraceSeconds: Int = 5
    package static let subprocessOutputBytes: Int = 16 * 1024 * 1024

    // MARK: Command line

    /// How long a command that waits keeps asking a server that is away.
    package static let clientPatienceSeconds: Int = 300
    /// The longest pause between two attempts.
    package static let clientPauseMilliseconds: Int = 5_000
    /// Between two readings of what a command waits for, besides the changes that it is told.
    package static let clientRecheckSeconds: Int = 10
    /// A stream of changes that stays silent for so long is opened again.
    package static let clientSilenceSeconds: Int = 20
    /// How long `up` waits when nothing changes any more.
    package static let clientWaitSeconds: Int = 600
    /// How long an error must stand before a command takes it as the end.
    package static let clientErrorSeconds: Int = 5
    /// As ``clientErrorSeconds``, for errors that come and go.
    package static let clientErrorTotalSeconds: Int = 60
    /// A message of a log that is as long as this may end in the middle of a line.
    package static let clientLogPieceBytes: Int = 16 * 1024
    /// A file that the command line reads: compose files, env_files, its own.
    package static let clientFileBytes: Int = 4 * 1024 * 1024
}
