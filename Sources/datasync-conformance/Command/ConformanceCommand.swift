import ArgumentParser

/// Serves what the public gRPC test suites call.
@main
struct ConformanceCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "datasync-conformance",
    abstract: "The test services of the public gRPC suites, over the server's own wire.",
    discussion: """
      Without --listen it takes part in connectrpc's conformance runs: it reads one \
      ServerCompatRequest from its standard input, serves on a free port of the loopback address, \
      writes one ServerCompatResponse, and ends when its input closes.
      """)

  @Option(help: "Serve on HOST:PORT, without the handshake; port 0: one that is free.")
  var listen: String?

  @Option(help: "Event loops; by default one for each processor.")
  var threads: Int?

  @Option(
    name: .customLong("limit"),
    help: ArgumentHelp(
      "Set a limit, NAME=NUMBER; times are in milliseconds. Names: \(LimitArgument.names).",
      valueName: "name=number"))
  var limits: [LimitArgument] = []

  func run() async throws {
    var process = ConformanceProcess()
    if let threads { process.loopCount = threads }
    for limit in limits { limit.apply(to: &process.options) }
    if let listen {
      try await process.serve(on: ListenAddress(parsing: listen))
    } else {
      try await process.takePart()
    }
  }

  func validate() throws {
    if let threads, !(1...1024).contains(threads) {
      throw ValidationError("--threads takes 1 to 1024")
    }
  }
}
