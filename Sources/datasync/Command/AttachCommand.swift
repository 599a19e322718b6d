import ArgumentParser
import DatasyncModel
import DatasyncStore

/// `datasync attach`.
struct AttachCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "attach",
    abstract: "Makes tables of a database ready to be served.",
    discussion: """
      Adds the columns created_at, updated_at, version and deleted where they are missing, and the \
      triggers by which changes of other programs are noticed. Says what it does. Your own columns \
      and values stay as they are; datasync detach takes everything out again.
      """)

  @Argument(help: "The SQLite database file.")
  var database: String

  @Argument(help: "The tables; without any, every table that can be attached.")
  var tables: [String] = []

  @Option(
    name: .customLong("soft-delete"), parsing: .singleValue,
    help: ArgumentHelp(
      "A delete in this table marks the row; repeatable, '*' for all.", valueName: "table"))
  var softDelete: [String] = []

  @Flag(help: "Say what would be done, and do nothing.")
  var dryRun = false

  func run() throws {
    let plan: AttachPlan
    do throws(DatasyncError) {
      plan =
        dryRun
        ? try Store.attachPlan(path: database, tables: tables, softDelete: Set(softDelete))
        : try Store.attach(path: database, tables: tables, softDelete: Set(softDelete))
    } catch {
      throw Failure(error.message)
    }
    StandardOutput.print(plan.description)
    let refused = plan.skipped.map(\.table).filter { tables.contains($0) }
    if !refused.isEmpty { throw Failure("not attached: \(refused.joined(separator: ", "))") }
  }
}
