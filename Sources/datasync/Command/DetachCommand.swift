import ArgumentParser
import DatasyncModel
import DatasyncServer
import DatasyncStore

/// `datasync detach`.
struct DetachCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "detach",
    abstract: "Takes everything of datasync's out of a database, and leaves your data.",
    discussion: """
      Drops the columns that attach had added, the triggers, and the tables whose names begin with \
      datasync_. Rows that are marked as deleted go: without the mark they would be back.
      """)

  @Argument(help: "The SQLite database file.")
  var database: String

  @Flag(help: "Say what would be done, and do nothing.")
  var dryRun = false

  func run() throws {
    do throws(DatasyncError) {
      let plan = dryRun ? try Store.detachPlan(path: database) : try Store.detach(path: database)
      StandardOutput.print(plan.description)
    } catch {
      throw ServerError(error.message)
    }
  }
}
