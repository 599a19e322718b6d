import DatasyncMetrics

/// Every metric that `datasync serve` has, as docs/metrics.md explains them.
enum MetricCatalog {
  static let descriptions: [MetricDescription] =
    [
      MetricDescription(
        "datasync_request_duration_seconds", .histogram(MetricDescription.durationBuckets),
        "Requests, alone or within a session: from their arrival to their last word."),
      MetricDescription("datasync_connections", .gauge, "Open connections."),
      MetricDescription("datasync_sessions", .gauge, "Open sessions."),
      MetricDescription("datasync_subscriptions", .gauge, "Subscriptions that run."),
      MetricDescription(
        "datasync_subscriptions_lagging", .gauge,
        "Subscriptions that have changes to send and wait for their stream or for the log."),
      MetricDescription(
        "datasync_subscription_lag_sequences", .gauge,
        "How many changes the subscription that is furthest behind has not sent yet."),
      MetricDescription(
        "datasync_filter_bytes", .gauge,
        "What the filters of subscriptions take, about; equal ones counted once."),
      MetricDescription(
        "datasync_commit_duration_seconds", .histogram(MetricDescription.durationBuckets),
        "Transactions, each of all writes that waited: how long SQLite took to commit them."),
      MetricDescription(
        "datasync_sync_duration_seconds", .histogram(MetricDescription.durationBuckets),
        "The part of a commit that was waiting for the disk to sync."),
      MetricDescription(
        "datasync_write_failures_total", .counter,
        "Transactions that failed for all writes in them: disk, memory, file."),
      MetricDescription("datasync_queued_writes", .gauge, "Writes that wait for the writer."),
      MetricDescription("datasync_queued_reads", .gauge, "Reads that wait for a reader."),
      MetricDescription(
        "datasync_writer_busy_seconds", .gauge,
        "For how long the writer has waited for the lock, for a statement or for the disk; 0: idle."
      ),
      MetricDescription("datasync_sequence", .gauge, "The last sequence that was committed."),
      MetricDescription(
        "datasync_log_oldest_sequence", .gauge, "Changes after this sequence are in the log."),
      MetricDescription("datasync_log_bytes", .gauge, "What the change log takes, about."),
      MetricDescription(
        "datasync_mutation_bytes", .gauge,
        "What is remembered of mutation ids takes, the answers included, about."),
      MetricDescription(
        "datasync_wal_pages", .gauge,
        "Pages of the write-ahead log that the next transaction does not write over."),
      MetricDescription(
        "datasync_limit_reached_total", .counter, "How often a limit struck, by its name."),
      MetricDescription(
        "datasync_foreign_changes_total", .counter,
        "Rows that other programs changed and that were given their place in the history."),
      MetricDescription("datasync_consumers", .gauge, "Consumers that follow the log by name."),
      MetricDescription(
        "datasync_consumer_lag_sequences", .gauge,
        "How many changes the consumer that is furthest behind has not done yet."),
      MetricDescription(
        "datasync_consumer_commits_total", .counter, "Commits that consumers were given."),
      MetricDescription(
        "datasync_consumers_compacted_total", .counter,
        "How often a consumer was told that the log no longer reaches back to its position."),
      MetricDescription(
        "datasync_memory_bytes", .gauge, "What one kind of thing takes in memory, about."),
      MetricDescription(
        "datasync_memory_limit_bytes", .gauge, "What it may take, by the limits that are set."),
      MetricDescription("datasync_tables", .gauge, "Tables that are served."),
      MetricDescription("datasync_unserved_tables", .gauge, "Tables that are not served."),
    ] + ProcessMetrics.descriptions
}
