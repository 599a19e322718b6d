package import DatasyncRPC
package import DatasyncStore
import NIOCore

/// The options of all parts of a server, and its limits by name. A value.
package struct ServerOptions: Sendable {
  /// Of connections, streams and calls.
  package var rpc = RPCOptions()
  /// Of sessions, subscriptions and requests.
  package var service = ServiceOptions()
  /// Of the database, its queues and its log.
  package var store = StoreOptions()

  /// Defaults for a server whose clients are its own apps, many of them behind one address.
  package init() {
    rpc.maxConnections = 20_000
    rpc.maxConnectionsPerAddress = 10_000
    rpc.peerWriteTimeout = .seconds(120)
    rpc.drainGrace = .seconds(5)
  }

  /// What `datasync limits` lists and a configuration sets, in this order.
  package static let limits = LimitTable(
    RPCOptions.limits.settings.map { $0.within(\ServerOptions.rpc) }
      + serviceLimits.map { $0.within(\ServerOptions.service) }
      + storeLimits.map { $0.within(\ServerOptions.store) })

  private static let serviceLimits: [LimitSetting<ServiceOptions>] = [
    .count(
      "max_requests_in_flight", \.maxRequestsInFlight, 1...1_000_000,
      "requests at once in a session, subscriptions aside; then it is not read"),
    .count(
      "max_reads_at_once", \.maxReadsAtOnce, 1...100_000,
      "reads of a session that the store works on at once"),
    .count(
      "max_subscriptions_per_session", \.maxSubscriptionsPerSession, 1...10_000_000,
      "subscriptions of a session"),
    .count("max_subscriptions", \.maxSubscriptions, 1...100_000_000, "subscriptions in all"),
    .count(
      "max_malformed_messages", \.maxMalformedMessages, 0...1_000_000,
      "messages that are no request before a session ends"),
    .count(
      "max_sessions_per_principal", \.maxSessionsPerPrincipal, 0...1_000_000,
      "sessions of one principal; 0: any number"),
    .count(
      "max_sessions_per_address", \.maxSessionsPerAddress, 0...1_000_000,
      "sessions from one IP address; 0: any number"),
    .time(
      "hook_timeout", \.hookTimeout, "that hooks look at a write",
      in: .milliseconds(1)...(.hours(1))),
    .count(
      "max_hooked_writes", \.maxHookedWrites, 1...1_000_000, "writes that hooks look at at once"),
    .time(
      "authentication_timeout", \.authenticationTimeout,
      "for a session without credentials to show some, where they are needed"),
    .time(
      "credentials_warning", \.credentialsWarning,
      "before its credentials expire that a session is told, within a tenth of their time",
      in: .zero...(.hours(24))),
    .time(
      "credentials_grace", \.credentialsGrace,
      "for a session to renew credentials that have expired or are revoked",
      in: .zero...(.hours(24 * 365))),
    .bytes("max_decoded_bytes", \.maxDecodedBytes, 65_536...(1 << 32), "a request once decoded"),
    .bytes(
      "max_filter_cost", \.maxFilterCost, 1024...(1 << 40),
      "of text that a subscription's filter takes for a row, by estimate"),
    .bytes(
      "max_query_filter_cost", \.maxQueryFilterCost, 1024...(1 << 40), "the same of a query's"),
    .bytes(
      "max_filter_batch_bytes", \.maxFilterBatchBytes, 0...(1 << 40),
      "of text that an event loop's filters take for one transaction; then the readers go on"),
    .bytes(
      "max_filter_bytes", \.maxFilterBytes, 65_536...(1 << 40),
      "the filters of all subscriptions, equal ones counted once"),
    .bytes(
      "max_filter_bytes_per_session", \.maxFilterBytesPerSession, 1024...(1 << 40),
      "the filters of a session's subscriptions"),
    .count(
      "max_membership_values", \.maxMembershipValues, 1...10_000_000,
      "values of a set that belongs to a principal"),
    .count("max_writes_per_commit", \.maxWritesPerCommit, 1...1_000_000, "writes of one Commit"),
    .time(
      "min_interval_floor", \.minIntervalFloor,
      "that a subscription's min_interval is at least", in: .milliseconds(1)...(.hours(1))),
    .time("max_long_poll", \.maxLongPoll, "that a Changes call may wait"),
    .bytes(
      "event_batch_bytes", \.eventBatchBytes, 1024...(1 << 30),
      "of events that are put together before they are sent"),
    .bytes(
      "replay_chunk_bytes", \.replayChunkBytes, 1024...(1 << 30),
      "of a page of a replay from the log"),
    .count(
      "max_pages_held", \.maxPagesHeld, 0...1_000_000,
      "such pages that each loop holds for streams that are full"),
    .bytes(
      "max_page_bytes_held", \.maxPageBytesHeld, 0...(1 << 40),
      "pages of queries that each loop holds for streams that are full"),
    .count(
      "page_size", \.defaultPageSize, 1...1_000_000, "rows of a page where a query does not say"),
    .count("max_page_size", \.maxPageSize, 1...1_000_000, "rows of any page"),
    .bytes(
      "tail_bytes", \.tailBytes, 65_536...(1 << 40), "recent changes that each loop keeps at hand"),
  ]

  private static let storeLimits: [LimitSetting<StoreOptions>] = [
    .count("max_queued_writes", \.maxQueuedWrites, 1...10_000_000, "writes that wait"),
    .bytes(
      "max_queued_write_bytes", \.maxQueuedWriteBytes, 65_536...(1 << 40), "the same in bytes"),
    .count("max_queued_reads", \.maxQueuedReads, 1...10_000_000, "reads that wait"),
    .count(
      "max_scans", \.maxScans, 1...1000,
      "reads of many rows that have begun at once; they have their turns"),
    .time(
      "max_scan_time", \.maxScanTimeAmount, "that a read works at most",
      in: .milliseconds(100)...(.hours(24))),
    .bytes(
      "max_commit_bytes", \.maxCommitBytes, 1024...(1 << 40),
      "the rows that the writes of one Commit make"),
    .count("max_batch_count", \.maxBatchCount, 1...100_000, "writes of one transaction"),
    .bytes("max_batch_bytes", \.maxBatchBytes, 1024...(1 << 32), "the same in bytes"),
    .count(
      "max_wal_pages", \.maxWALPages, 1...1_000_000_000,
      "pages of the write-ahead log, after which reads that keep it growing are ended"),
    .bytes(
      "max_filter_text_bytes", \.maxFilterTextBytes, 1024...(1 << 30),
      "a text that a function in a filter makes"),
    .bytes(
      "max_filter_work_bytes", \.maxFilterWorkBytes, 65_536...(1 << 40),
      "of text that a filter's functions read and make for one row"),
    .bytes("cache_bytes", \.cacheBytes, 65_536...(1 << 40), "page cache of each SQLite connection"),
    .time(
      "log_retention", \.logRetentionTime,
      "that the change log keeps at least, within max_log_bytes", in: .zero...(.hours(24 * 3650))),
    .bytes("max_log_bytes", \.maxLogBytes, 0...(1 << 50), "the change log"),
    .time(
      "mutation_retention", \.mutationRetentionTime,
      "that a mutation id is remembered, within max_mutations and max_mutation_bytes",
      in: .zero...(.hours(24 * 3650))),
    .time(
      "attach_delay", \.attachDelayTime,
      "that the schema is at rest before a table that has appeared is attached",
      in: .zero...(.hours(24))),
    .count("max_mutations", \.maxMutations, 0...1_000_000_000, "mutation ids remembered"),
    .bytes(
      "max_mutation_bytes", \.maxMutationBytes, 0...(1 << 50),
      "what is remembered of mutation ids, their answers included; the newest is always"),
  ]
}

extension StoreOptions {
  fileprivate var logRetentionTime: TimeAmount {
    get { TimeAmount(logRetention) }
    set { logRetention = .nanoseconds(newValue.nanoseconds) }
  }

  fileprivate var maxScanTimeAmount: TimeAmount {
    get { TimeAmount(maxScanTime) }
    set { maxScanTime = .nanoseconds(newValue.nanoseconds) }
  }

  fileprivate var attachDelayTime: TimeAmount {
    get { TimeAmount(attachDelay) }
    set { attachDelay = .nanoseconds(newValue.nanoseconds) }
  }

  fileprivate var mutationRetentionTime: TimeAmount {
    get { TimeAmount(mutationRetention) }
    set { mutationRetention = .nanoseconds(newValue.nanoseconds) }
  }
}
