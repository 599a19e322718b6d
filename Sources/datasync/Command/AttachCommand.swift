import ArgumentParser
import DatasyncModel
import DatasyncServer
import DatasyncStore

/// `datasync attach`.
struct AttachCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "attach",
    abstract: "Makes tables of a database ready to be served.",
    discussion: """
      Your tables get triggers by which changes of other programs are noticed, and nothing else: the \
      times and versions of their rows are kept beside them, in tables named datasync_…. With \
      --within they stand in four columns of the table itself. Says what it does; datasync detach \
      takes everything out again.
      """)

  @Argument(help: "The SQLite database file.")
  var database: String

  @Argument(help: "The tables; without any, every table that can be attached.")
  var tables: [String] = []

  @OptionGroup var options: AttachOptions

  @Option(
    name: .customLong("beside"), parsing: .singleValue,
    help: ArgumentHelp(
      "Move the system fields of this table, which has them within, beside it: versions stay, our "
        + "columns go; repeatable.", valueName: "table"))
  var beside: [String] = []

  @Flag(help: "Say what would be done, and do nothing.")
  var dryRun = false

  @Flag(help: "Say it as JSON.")
  var json = false

  func run() throws {
    var choices = options.choices
    choices.tables = tables
    choices.beside = Set(beside)
    if choices.tables.isEmpty, !beside.isEmpty { choices.tables = beside }
    let plan: AttachPlan
    do throws(DatasyncError) {
      plan =
        dryRun
        ? try Store.attachPlan(path: database, choices: choices)
        : try Store.attach(path: database, choices: choices)
    } catch {
      throw ServerError(error.message)
    }
    StandardOutput.print(json ? plan.json : plan.description)
    for (table, reason) in plan.skipped where !json && !dryRun {
      StandardError.print("\(table) is not attached, because \(reason)")
    }
    let refused = plan.skipped.map(\.table).filter { choices.namedTables.contains($0) }
    if !refused.isEmpty {
      throw ServerError("not attached: \(refused.joined(separator: ", ")); nothing was changed")
    }
  }
}
