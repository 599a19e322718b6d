import ArgumentParser
import DatasyncRPC

/// Serves what the public test suites of gRPC and Connect call.
@main
struct ConformanceCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "datasync-conformance",
    abstract: "The test services of the public suites, over the server's own wire.",
    discussion: """
      Without --listen it takes part in connectrpc's conformance runs: it reads one \
      ServerCompatRequest from its standard input, serves on a free port of the loopback address, \
      writes one ServerCompatResponse, and ends on SIGTERM: the runner closes its input at once.
      """)

  @Option(help: "Serve on HOST:PORT, without the handshake; port 0: one that is free.")
  var listen: String?

  @Option(name: .customLong("tls-cert"), help: "PEM file: the certificate, then those above it.")
  var tlsCertificate: String?

  @Option(name: .customLong("tls-key"), help: "PEM file: the private key.")
  var tlsKey: String?

  @Option(
    name: .customLong("tls-client-ca"),
    help: "PEM file: the authorities of client certificates, which are demanded then.")
  var tlsClientAuthorities: String?

  @Flag(name: .customLong("web"), help: "Speak Connect and gRPC-Web besides gRPC.")
  var isWeb = false

  @Option(help: "Event loops; by default one for each processor.")
  var threads: Int?

  @Option(
    name: .customLong("limit"),
    help: ArgumentHelp(
      "Set a limit, as max_connections=10 or write_timeout=500ms; repeatable.",
      valueName: "name=value"))
  var limits: [String] = []

  @Flag(name: .customLong("limits"), help: "Print the limits with their defaults, and end.")
  var printsLimits = false

  func run() async throws {
    guard !printsLimits else {
      return print(RPCOptions.limits.text(of: RPCOptions()), terminator: "")
    }
    var process = ConformanceProcess()
    if let threads { process.loopCount = threads }
    process.options = try options()
    process.isWeb = isWeb
    if let tlsCertificate, let tlsKey {
      process.tlsFiles = TLSFiles(
        certificate: tlsCertificate, privateKey: tlsKey, clientAuthorities: tlsClientAuthorities)
    }
    if let listen {
      try await process.serve(on: ListenAddress(parsing: listen))
    } else {
      try await process.takePart()
    }
  }

  private func options() throws -> RPCOptions {
    var options = RPCOptions()
    do {
      for limit in limits { try RPCOptions.limits.apply(limit, to: &options) }
    } catch {
      throw ValidationError("--limit \(error)")
    }
    return options
  }

  func validate() throws {
    _ = try options()
    if let threads, !(1...1024).contains(threads) {
      throw ValidationError("--threads takes 1 to 1024")
    }
    guard (tlsCertificate == nil) == (tlsKey == nil) else {
      throw ValidationError("--tls-cert and --tls-key go together")
    }
    guard tlsClientAuthorities == nil || tlsCertificate != nil else {
      throw ValidationError("--tls-client-ca needs --tls-cert and --tls-key")
    }
    guard tlsCertificate == nil || listen != nil else {
      throw ValidationError("TLS files go with --listen; a run brings its own certificates")
    }
  }
}
