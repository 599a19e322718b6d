import ArgumentParser
import DatasyncRPC
import DatasyncServer

/// `datasync limits`.
struct LimitsCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "limits",
    abstract: "Lists the limits that `datasync serve --limit NAME=VALUE` sets, and what is in use.",
    discussion: """
      With their defaults and ranges. The names are those in errors, in the log, and in the label \
      of the metric datasync_limit_reached_total. Bytes may be given in KiB, MiB and GiB; times are \
      given in ms, s, m, h and d.

      With --metrics, the address that a running server has its metrics on: what that server takes in \
      memory, by account, beside what its limits let it take, and which limits have struck.
      """)

  @Option(help: "HOST:PORT of a running server's metrics: shows what is in use.")
  var metrics: ServerAddress?

  func run() async throws {
    guard let metrics else {
      return StandardOutput.write(ServerOptions.limits.text(of: ServerOptions()))
    }
    let text = try await MetricsReader.read(from: metrics)
    StandardOutput.write(try LimitUse(metrics: text).text)
  }
}
