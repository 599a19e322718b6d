public import ArgumentParser
import DatasyncMetrics
import DatasyncModel
import DatasyncRPC
public import DatasyncServer
import Logging
import Metrics
import NIOCore

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

  @Option(help: "HOST:PORT to listen on, or off; port 0 picks one that is free.")
  var listen = ListenArgument(address: DatabaseServer.Configuration().address)

  @Option(
    help: """
      HOST:PORT where browsers and programs that are no gRPC clients may ask too, in Connect's protocol, \
      gRPC-Web and WebSocket; prints a second line: datasync web listening on HOST:PORT.
      """)
  var web: ServerAddress?

  @Option(
    name: .customLong("web-origin"), parsing: .singleValue,
    help: ArgumentHelp(
      "Pages of that origin may ask there too, as https://app.example.com; repeatable.",
      valueName: "origin"))
  var webOrigins: [String] = []

  @Option(
    name: .customLong("web-host"), parsing: .singleValue,
    help: ArgumentHelp(
      "Without TLS, that name may be asked for there too, as pears.local; repeatable.",
      valueName: "name"))
  var webHosts: [String] = []

  @Option(
    help: """
      HOST:PORT where Prometheus may ask for metrics, over HTTP, and a supervisor for /livez and \
      /readyz; whoever reaches it may.
      """)
  var metrics: ServerAddress?

  @Flag(help: "Attach every table that can be, now and when one appears.")
  var attach = false

  @OptionGroup var attachOptions: AttachOptions

  @Option(
    help: """
      full: an answered write survives a crash of the process, the system and the power. \
      normal: it survives a crash of the process; after a power loss the last commits may be gone, \
      never torn.
      """)
  var synchronous = SQLiteStorage.Durability.full

  @Option(
    name: .customLong("limit"), parsing: .singleValue,
    help: ArgumentHelp(
      "Set a limit, as max_connections=500 or write_timeout=90s; repeatable. "
        + "`datasync limits` lists them.", valueName: "name=value"))
  var limits: [String] = []

  @OptionGroup var shorthands: LimitShorthands

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

  @Option(
    help: """
      The access file: who may see and do what. Without it whoever reaches the server may see and do \
      everything.
      """)
  var access: String?

  @Flag(help: "Serve without TLS on an address that other machines can reach.")
  var allowPlaintext = false

  @Option(help: "trace, debug, info, notice, warning, error or critical; on standard error.")
  var logLevel = LogLevelArgument.notice

  func validate() throws {
    guard attachOptions.isEmpty || attach else {
      throw ValidationError(
        "--soft-delete and --within need --attach: the choice is made when attaching")
    }
    guard (tlsCert == nil) == (tlsKey == nil) else {
      throw ValidationError("--tls-cert and --tls-key belong together")
    }
    guard tlsClientCa == nil || tlsCert != nil else {
      throw ValidationError("--tls-client-ca needs --tls-cert and --tls-key")
    }
    let addresses = [listen.address, web].compactMap(\.self)
    guard !addresses.isEmpty else { throw ValidationError("--listen off needs --web") }
    guard web != nil || webOrigins.isEmpty else {
      throw ValidationError("--web-origin needs --web")
    }
    guard web != nil || webHosts.isEmpty else {
      throw ValidationError("--web-host needs --web")
    }
    let isExposed = { (address: ServerAddress) in !address.isLoopback }
    if let address = addresses.first(where: isExposed), !allowPlaintext, tlsCert == nil {
      throw ValidationError(
        "\(address.host) can be reached by other machines, and there is no TLS; "
          + "give --tls-cert and --tls-key, or say --allow-plaintext if that is meant")
    }
    guard (1...60_000).contains(foreignPollMilliseconds) else {
      throw ValidationError("--foreign-poll-milliseconds is 1 to 60000")
    }
    do {
      _ = try configuration().checkedOptions()
    } catch let error as ServerError {
      throw ValidationError(error.description)
    }
  }

  func run() async throws {
    var storage = SQLiteStorage(path: database)
    if let schema, !FileReader.exists(database) {
      storage.schema = try FileReader.text(of: schema)
      storage.schemaName = schema
    }
    storage.durability = synchronous
    storage.attachesTables = attach
    storage.foreignPollInterval = .milliseconds(foreignPollMilliseconds)
    storage.choices = attachOptions.choices
    let level = logLevel.value
    LoggingSystem.bootstrap { label in
      var handler = StreamLogHandler.standardError(label: label)
      handler.logLevel = level
      return handler
    }
    let registry = MetricRegistry(MetricCatalog.descriptions)
    if metrics != nil { MetricsSystem.bootstrap(registry) }
    let server = DatasyncProcess(
      storage: storage, configuration: try configuration(),
      metrics: metrics.map { ($0, registry) })
    try await server.run()
  }

  private func configuration() throws -> DatabaseServer.Configuration {
    var configuration = DatabaseServer.Configuration()
    configuration.address = listen.address
    configuration.webAddress = web
    configuration.webOrigins = webOrigins
    configuration.webHosts = webHosts
    configuration.allowsPlaintext = allowPlaintext
    configuration.accessFile = access
    configuration.eventLoopCount = loops
    if let tlsCert, let tlsKey {
      configuration.tls = .init(
        certificateChain: tlsCert, privateKey: tlsKey, clientAuthorities: tlsClientCa)
    }
    try setLimits(in: &configuration.options)
    return configuration
  }

  /// Shorthands first, which may not be given twice.
  private func setLimits(in options: inout ServerOptions) throws {
    for (flag, limit) in shorthands.limits {
      let name = limit.prefix { $0 != "=" }
      guard !limits.contains(where: { $0.hasPrefix("\(name)=") }) else {
        throw ValidationError("\(flag) and --limit \(name) say the same: give one of them")
      }
      try set(limit, in: &options, flag: flag)
    }
    for limit in limits { try set(limit, in: &options, flag: "--limit") }
  }

  private func set(_ limit: String, in options: inout ServerOptions, flag: String) throws {
    do {
      try ServerOptions.limits.apply(limit, to: &options)
    } catch {
      throw ValidationError("\(flag): \(error)")
    }
  }
}

extension ServerAddress: ExpressibleByArgument {
  /// `HOST:PORT`.
  public init?(argument: String) {
    self.init(argument)
  }
}

/// `HOST:PORT` or `off`.
struct ListenArgument: ExpressibleByArgument {
  /// Nil: nowhere.
  let address: ServerAddress?

  init(address: ServerAddress?) {
    self.address = address
  }

  init?(argument: String) {
    address = ServerAddress(argument)
    guard address != nil || argument == "off" else { return nil }
  }

  var defaultValueDescription: String { address.map { "\($0)" } ?? "off" }
}

/// `full` or `normal`.
extension SQLiteStorage.Durability: ExpressibleByArgument {
  /// `full` or `normal`.
  public init?(argument: String) {
    switch argument {
    case "full": self = .full
    case "normal": self = .normal
    default: return nil
    }
  }

  /// As it is given.
  public var defaultValueDescription: String { self == .full ? "full" : "normal" }
  /// For help and completion.
  public static var allValueStrings: [String] { ["full", "normal"] }
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
