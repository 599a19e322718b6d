import ArgumentParser
import DatasyncModel
import DatasyncServer
import DatasyncStore

/// `datasync explain`.
struct ExplainCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "explain",
    abstract: "Prints how SQLite answers a query, and which index would help.",
    discussion: "The database is not changed; it may be served meanwhile.")

  @Argument(help: "The SQLite database file; its tables must be attached.")
  var database: String

  @Argument(help: "The table that is queried.")
  var table: String

  @Option(help: "The query's filter; none: every row.")
  var filter = ""

  @Option(help: "The query's order; none: by the key.")
  var orderBy = ""

  func run() throws {
    let plan: QueryPlan
    do throws(DatasyncError) {
      plan = try Store.explain(path: database, table: table, filter: filter, orderBy: orderBy)
    } catch {
      throw ServerError(error.message)
    }
    StandardOutput.print(plan.statement)
    StandardOutput.print("plan:")
    for step in plan.steps { StandardOutput.print("  \(step)") }
    for column in plan.columnsInOtherForms {
      StandardOutput.print(
        "\(column): its values are in several forms, or in one that does not sort as they do; no index on it serves."
      )
    }
    switch plan.verdict {
    case .good:
      StandardOutput.print("An index serves this query.")
    case .index(let statement):
      StandardOutput.print("Rows are read or sorted that an index could give. This one helps:")
      StandardOutput.print("  \(statement)")
    case .noIndexHelps:
      StandardOutput.print(
        "Rows are read or sorted that do not belong to the page, and no index on columns changes that."
      )
    }
  }
}
