import ArgumentParser
import DatasyncModel
import DatasyncServer
import DatasyncStore

/// `datasync consumers`.
struct ConsumersCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "consumers",
    abstract: "Lists those who follow the change log by name, and how far each is behind.",
    usage: """
      datasync consumers <database> [--json]
      datasync consumers <database> rm <name>
      """,
    discussion: """
      The database may be served meanwhile. With rm a consumer's position is forgotten: it begins anew, with \
      what is written then.
      """)

  @Argument(help: "The SQLite database file.")
  var database: String

  @Argument(help: ArgumentHelp("rm: forgets the consumer that is named.", valueName: "rm"))
  var action: String?

  @Argument(help: "The consumer to forget.")
  var name: String?

  @Flag(help: "Print one JSON object a line.")
  var json = false

  func validate() throws {
    guard action == nil || (action == "rm" && name != nil) else {
      throw ValidationError("the one thing to do is: rm NAME")
    }
  }

  func run() throws {
    do throws(DatasyncError) {
      if let name {
        try Store.removeConsumer(name, path: database)
        StandardOutput.print("\(name) is forgotten.")
      } else {
        print(try Store.consumers(path: database))
      }
    } catch {
      throw ServerError(error.message)
    }
  }

  private func print(_ reports: [ConsumerReport]) {
    if !json, reports.isEmpty { StandardOutput.print("Nobody follows the log by name.") }
    let now = WallClock.now
    for report in reports {
      let seconds = report.behindSince.map { max(0, now - $0) / 1_000_000 } ?? 0
      guard !json else {
        StandardOutput.print(
          """
          {"name":\(report.name.quotedJSON),"position":\(report.position),\
          "changes":\(report.changes),"bytes":\(report.bytes),"seconds":\(seconds),\
          "moved_at":"\(CivilTime(timestamp: report.movedAt).timestampText)",\
          "can_go_on":\(report.canGoOn)}
          """)
        continue
      }
      let behind =
        report.changes == 0
        ? "has everything"
        : "is behind by \(report.changes) changes, \(report.bytes) bytes, \(seconds) s"
      let end =
        report.canGoOn ? "" : "; the log no longer reaches back to it: rm it, and begin anew"
      StandardOutput.print("\(report.name) at \(report.position) \(behind)\(end)")
    }
  }
}
