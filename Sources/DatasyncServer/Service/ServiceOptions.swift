package import DatasyncRPC
import DatasyncFilter
import DatasyncStorage
package import NIOCore

/// The limits of the service. A value.
package struct ServiceOptions: Sendable {
  /// Requests that run at once in a session, subscriptions aside; at the limit the session stops
  /// reading.
  package var maxRequestsInFlight = 1024
  /// Reads of one session that the store works on at once; more wait in the session.
  package var maxReadsAtOnce = 16
  /// Pages of queries that each loop holds for streams that are full; one more is read again.
  package var maxPageBytesHeld = 64 << 20
  /// One more gets RESOURCE_EXHAUSTED, reason MAX_SUBSCRIPTIONS_PER_SESSION.
  package var maxSubscriptionsPerSession = 10_000
  /// Of all calls.
  package var maxSubscriptions = 1_000_000
  /// Messages that are no request, before the call ends.
  package var maxMalformedMessages = 16
  /// What a request may take in memory once decoded.
  package var maxDecodedBytes = 64 << 20
  /// The tail of the log that each loop keeps; the commits themselves are shared.
  package var tailBytes = 32 << 20
  /// A replay and a fold work in steps of this size.
  package var replayChunkBytes = 256 << 10
  /// Pages of the log, of ``replayChunkBytes`` each, that a loop holds for streams that are full. One
  /// more is read again when its turn comes.
  package var maxPagesHeld = 64
  /// What an audience's events may come to before they are sent, where the writer's batch has more.
  package var eventBatchBytes = 64 << 10
  /// Initial rows come in pages of this size.
  package var snapshotPageBytes = 256 << 10
  /// The most rows of such a page; whichever of the two is reached first ends it.
  package var snapshotPageRows = 1000
  /// The interval of a subscription that asks for none.
  package var defaultHeartbeat: TimeAmount = .seconds(15)
  /// An interval outside of it is taken for the nearer end.
  package var heartbeatRange: ClosedRange<TimeAmount> = .milliseconds(100)...(.minutes(5))
  /// A shorter `min_interval` is taken for this one.
  package var minIntervalFloor: TimeAmount = .milliseconds(10)
  /// A longer `max_wait` of Changes is taken for this one.
  package var maxLongPoll: TimeAmount = .minutes(5)
  /// Rows of a page where a query says 0; at most ``maxPageSize``.
  package var defaultPageSize = 100
  /// Rows of any page; a query that wants more gets these.
  package var maxPageSize = 1000
  /// What a message takes at most: no larger one is sent.
  package var maxMessageBytes = 4 << 20
  /// What the filter of a subscription may cost for a row; see ``FilterCost``. It runs on an event loop.
  package var maxFilterCost = 256 << 10
  /// The same of a query's, which runs on a thread of its own.
  package var maxQueryFilterCost = 4 << 20
  /// What all filters of a loop may take for one batch of the writer: of text that their functions read and
  /// make, with a few bytes for each row. The subscriptions that are not judged by then read the log,
  /// whose readers judge it.
  package var maxFilterBatchBytes = 8 << 20
  /// What the filters of all subscriptions take in memory, equal ones counted once.
  package var maxFilterBytes = 512 << 20
  /// The same of a session's, each counted.
  package var maxFilterBytesPerSession = 64 << 20
  /// Values of one set that belongs to a principal.
  package var maxMembershipValues = 100_000
  /// Writes of one Commit.
  package var maxWritesPerCommit = 10_000
  /// Sessions of a principal at once; anonymous callers have none. 0: any number, as below.
  package var maxSessionsPerPrincipal = 0
  /// The same from one IP address.
  package var maxSessionsPerAddress = 0
  /// How long a session without credentials may take to show some, where they are needed.
  package var authenticationTimeout: TimeAmount = .seconds(10)
  /// How long before their end a session is told that its credentials expire; at most a tenth of the time
  /// that they had left when they were shown.
  package var credentialsWarning: TimeAmount = .seconds(60)
  /// How long a session may go on with credentials that have expired before it ends.
  package var credentialsGrace: TimeAmount = .seconds(60)
  /// What hooks may take to look at a write, and to hear of it once it is done; each.
  package var hookTimeout: TimeAmount = .seconds(5)
  /// Writes that hooks look at, or do not come back from.
  package var maxHookedWrites = 1024
  /// Told of every limit that strikes.
  package var limits: LimitMetrics?
  /// What it takes at most when it runs; the store's.
  var filterBudget = FilterBudget.default
  /// The protobuf package of the tables' messages.
  package var messagePackage = "tables"

  package init() {}

  /// What the log may not keep is not kept in memory either.
  func bounded(by storage: StorageBounds) -> ServiceOptions {
    var options = self
    options.tailBytes = min(tailBytes, storage.maxLogBytes)
    options.filterBudget = storage.filterBudget
    return options
  }
}

extension ServiceOptions {
  /// The longest image of a row that a message holds beside the names, keys and positions around it.
  var maxRowBytes: Int { max(1024, maxMessageBytes - min(8 << 10, maxMessageBytes / 4)) }
}
