import ArgumentParser

/// Options that set a limit which is set often. A value.
struct LimitShorthands: ParsableArguments {
  @Option(help: "Bytes of one message: --limit max_message_bytes.")
  var maxMessageBytes: Int?

  @Option(help: "Connections in all: --limit max_connections.")
  var maxConnections: Int?

  @Option(help: "Connections of one address: --limit max_connections_per_address.")
  var maxConnectionsPerAddress: Int?

  @Option(help: "Seconds that running calls have after SIGTERM: --limit drain_grace.")
  var drainSeconds: Int?

  @Option(
    help: "Seconds in which a client that is owed bytes must take some: --limit write_timeout.")
  var writeTimeoutSeconds: Int?

  @Option(help: "Hours that the change log keeps at least: --limit log_retention.")
  var logHours: Int?

  @Option(help: "Bytes that the change log keeps at most: --limit max_log_bytes.")
  var maxLogBytes: Int?

  @Option(help: "Rows of a page where a query does not say: --limit page_size.")
  var pageSize: Int?

  @Option(help: "Most rows of a page: --limit max_page_size.")
  var maxPageSize: Int?

  /// Those that are given: the option, and what it stands for.
  var limits: [(flag: String, limit: String)] {
    [
      ("--max-message-bytes", "max_message_bytes", maxMessageBytes, ""),
      ("--max-connections", "max_connections", maxConnections, ""),
      (
        "--max-connections-per-address", "max_connections_per_address", maxConnectionsPerAddress, ""
      ),
      ("--drain-seconds", "drain_grace", drainSeconds, "s"),
      ("--write-timeout-seconds", "write_timeout", writeTimeoutSeconds, "s"),
      ("--log-hours", "log_retention", logHours, "h"),
      ("--max-log-bytes", "max_log_bytes", maxLogBytes, ""),
      ("--page-size", "page_size", pageSize, ""),
      ("--max-page-size", "max_page_size", maxPageSize, ""),
    ].compactMap { flag, name, value, unit in value.map { (flag, "\(name)=\($0)\(unit)") } }
  }
}
