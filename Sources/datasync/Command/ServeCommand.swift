import ArgumentParser
import DatasyncModel
import DatasyncRPC
import DatasyncServer
import DatasyncStore
import Logging
import NIOCore
import NIOPosix

/// `datasync serve`.
struct ServeCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "serve",
    abstract: "Serves a database until it is told to stop.",
    discussion: """
      Prints one line on standard output when it is ready: datasync listening on HOST:PORT. \
      SIGTERM and SIGINT drain: nothing new is accepted, what runs may end; a second one ends at once.
      """)

  @Argument(help: "The SQLite database file.")
  var database: String

  @Option(help: "SQL that creates the database where the file does not exist yet.")
  var schema: String?

  @Option(help: "HOST:PORT to listen on; port 0 picks one that is free.")
  var listen = ListenAddress.standard

  @Flag(help: "Attach every table that can be, now and when one appears.")
  var attach = false

  @Option(
    name: .customLong("soft-delete"), parsing: .singleValue,
    help: ArgumentHelp(
      "With --attach: a delete in this table marks the row; repeatable, '*' for all.",
      valueName: "table"))
  var softDelete: [String] = []

  @Option(
    help: """
      full: an answered write survives a crash of the process, the system and the power. \
      normal: it survives a crash of the process; after a power loss the last commits may be gone, \
      never torn.
      """)
  var synchronous = SynchronousArgument.full

  @Option(help: "Bytes of one message that are accepted.")
  var maxMessageBytes = 4 << 20

  @Option(help: "Connections in all.")
  var maxConnections = 20_000

  @Option(help: "Connections of one address.")
  var maxConnectionsPerAddress = 10_000

  @Option(help: "Seconds that running calls have after SIGTERM.")
  var drainSeconds = 5

  @Option(help: "Seconds in which a client that is owed bytes must take some, or lose its stream.")
  var writeTimeoutSeconds = 120

  @Option(help: "Hours that the change log keeps at least, within --max-log-bytes.")
  var logHours = 168

  @Option(help: "Bytes that the change log keeps at most.")
  var maxLogBytes = 1 << 30

  @Option(help: "Rows of a query's page where the query does not say.")
  var pageSize = 100

  @Option(help: "Most rows of a query's page.")
  var maxPageSize = 1000

  @Option(help: "Milliseconds between two looks for rows that other programs wrote, while idle.")
  var foreignPollMilliseconds = 10

  @Option(help: "Event loops; the default is one for each core.")
  var loops: Int = System.coreCount

  @Option(help: "PEM file of the server's certificate chain: serves TLS; read anew on SIGHUP.")
  var tlsCert: String?

  @Option(help: "PEM file of the certificate's private key.")
  var tlsKey: String?

  @Option(help: "PEM file of the authorities whose client certificates are demanded.")
  var tlsClientCa: String?

  @Flag(help: "Serve without TLS on an address that other machines can reach.")
  var allowPlaintext = false

  @Option(help: "trace, debug, info, notice, warning, error or critical; on standard error.")
  var logLevel = LogLevelArgument.notice

  func validate() throws {
    guard softDelete.isEmpty || attach else {
      throw ValidationError("--soft-delete needs --attach: the choice is made when attaching")
    }
    guard (tlsCert == nil) == (tlsKey == nil) else {
      throw ValidationError("--tls-cert and --tls-key belong together")
    }
    guard tlsClientCa == nil || tlsCert != nil else {
      throw ValidationError("--tls-client-ca needs --tls-cert and --tls-key")
    }
    guard listen.isLoopback || allowPlaintext || tlsCert != nil else {
      throw ValidationError(
        "\(listen.host) can be reached by other machines, and there is no TLS; "
          + "give --tls-cert and --tls-key, or say --allow-plaintext if that is meant")
    }
    guard (1...1024).contains(loops) else { throw ValidationError("--loops is 1 to 1024") }
    guard writeTimeoutSeconds > 0 else {
      throw ValidationError("--write-timeout-seconds is 1 or more")
    }
    guard logHours >= 0, maxLogBytes >= 0 else {
      throw ValidationError("--log-hours and --max-log-bytes are 0 or more")
    }
    guard pageSize > 0, maxPageSize >= pageSize else {
      throw ValidationError("--page-size is 1 or more, --max-page-size not less than it")
    }
    guard (1...60_000).contains(foreignPollMilliseconds) else {
      throw ValidationError("--foreign-poll-milliseconds is 1 to 60000")
    }
    guard drainSeconds >= 0 else { throw ValidationError("--drain-seconds is 0 or more") }
    guard (1...(1 << 30)).contains(maxMessageBytes) else {
      throw ValidationError("--max-message-bytes is 1 to 1073741824")
    }
  }

  func run() async throws {
    var storeOptions = StoreOptions()
    storeOptions.synchronous = synchronous.value
    storeOptions.attachesTables = attach
    storeOptions.logRetention = .seconds(logHours * 3600)
    storeOptions.maxLogBytes = maxLogBytes
    storeOptions.defaultPageSize = pageSize
    storeOptions.maxPageSize = maxPageSize
    storeOptions.softDeleteTables = Set(softDelete)
    storeOptions.foreignPollInterval = .milliseconds(foreignPollMilliseconds)
    var rpcOptions = RPCOptions()
    rpcOptions.maxMessageBytes = maxMessageBytes
    rpcOptions.maxConnections = maxConnections
    rpcOptions.maxConnectionsPerAddress = maxConnectionsPerAddress
    rpcOptions.peerWriteTimeout = .seconds(Int64(writeTimeoutSeconds))
    rpcOptions.drainGrace = .seconds(Int64(drainSeconds))
    let level = logLevel.value
    LoggingSystem.bootstrap { label in
      var handler = StreamLogHandler.standardError(label: label)
      handler.logLevel = level
      return handler
    }
    var tlsFiles: TLSFiles?
    if let tlsCert, let tlsKey {
      let files = TLSFiles(
        certificate: tlsCert, privateKey: tlsKey, clientAuthorities: tlsClientCa)
      rpcOptions.tls = try files.context()
      tlsFiles = files
    }
    let server = DatasyncProcess(
      database: database, schema: schema, listen: listen, storeOptions: storeOptions,
      serviceOptions: ServiceOptions(), rpcOptions: rpcOptions, tlsFiles: tlsFiles,
      loopCount: loops)
    try await server.run()
  }
}

extension ListenAddress {
  /// 127.0.0.1:50051.
  static let standard = ListenAddress(host: "127.0.0.1", port: 50051)

  private init(host: String, port: Int) {
    self.host = host
    self.port = port
  }
}

/// `full` or `normal`.
struct SynchronousArgument: ExpressibleByArgument {
  let value: StoreOptions.Synchronous

  static let full = SynchronousArgument(value: .full)

  private init(value: StoreOptions.Synchronous) {
    self.value = value
  }

  init?(argument: String) {
    guard let value = StoreOptions.Synchronous(rawValue: argument) else { return nil }
    self.value = value
  }

  var defaultValueDescription: String { value.rawValue }
  static var allValueStrings: [String] { ["full", "normal"] }
}

/// A level of swift-log.
struct LogLevelArgument: ExpressibleByArgument {
  let value: Logger.Level

  static let notice = LogLevelArgument(value: .notice)

  private init(value: Logger.Level) {
    self.value = value
  }

  init?(argument: String) {
    guard let value = Logger.Level(rawValue: argument) else { return nil }
    self.value = value
  }

  var defaultValueDescription: String { value.rawValue }
  static var allValueStrings: [String] { Logger.Level.allCases.map(\.rawValue) }
}
