import ArgumentParser
import DatasyncModel
import DatasyncServer
import DatasyncStore

/// `datasync check`.
struct CheckCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "check",
    abstract: "Verifies that a database is whole, and that log, versions and rows agree.",
    discussion: "Exits with 1 where something is wrong, and says what and where.")

  @Argument(help: "The SQLite database file; it may be served meanwhile.")
  var database: String

  func run() throws {
    let report: CheckReport
    do throws(DatasyncError) {
      report = try Store.check(path: database)
    } catch {
      throw ServerError(error.message)
    }
    StandardOutput.print(report.description)
    if !report.findings.isEmpty { throw ExitCode(1) }
  }
}
