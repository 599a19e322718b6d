import ArgumentParser
import DatasyncRPC

/// `datasync limits`.
struct LimitsCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "limits",
    abstract: "Lists the limits that `datasync serve --limit NAME=VALUE` sets.",
    discussion: """
      With their defaults and ranges. The names are those in errors, in the log, and in the label \
      of the metric datasync_limit_reached_total. Bytes may be given in KiB, MiB and GiB; times are \
      given in ms, s, m, h and d.
      """)

  func run() {
    StandardOutput.write(ServeOptions.limits.text(of: ServeOptions()))
  }
}
