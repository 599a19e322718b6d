import ArgumentParser
import DatasyncModel
import DatasyncStore

/// How tables are attached: options that `attach` and `serve --attach` share.
struct AttachOptions: ParsableArguments {
  @Option(
    name: .customLong("soft-delete"), parsing: .singleValue,
    help: ArgumentHelp(
      "A delete in this table marks the row, in a column of ours, which makes it one within, or in a "
        + "BOOLEAN column of its own; repeatable, '*' for all.", valueName: "table[=column]"))
  var softDelete: [String] = []

  @Option(
    name: .customLong("within"), parsing: .singleValue,
    help: ArgumentHelp(
      "Keep the system fields of this table in four columns of its own, instead of in a table of "
        + "ours; repeatable, '*' for all.", valueName: "table"))
  var within: [String] = []

  @Option(
    name: .customLong("form"), parsing: .singleValue,
    help: ArgumentHelp(
      "How a column holds its values: seconds, milliseconds, microseconds, julian, cocoa, iso8601, "
        + "date, time, uuid, t/f or 0/1, and what a plan says; repeatable.",
      valueName: "table.column=form"))
  var form: [String] = []

  var isEmpty: Bool { softDelete.isEmpty && within.isEmpty && form.isEmpty }

  func validate() throws {
    for choice in softDelete {
      let parts = choice.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      guard !parts[0].isEmpty, parts.count == 1 || !parts[1].isEmpty else {
        throw ValidationError("--soft-delete takes TABLE or TABLE=COLUMN, not \"\(choice)\"")
      }
    }
    for choice in form {
      guard let parts = AttachOptions.parts(of: choice) else {
        throw ValidationError("--form takes TABLE.COLUMN=FORM, not \"\(choice)\"")
      }
      guard ColumnForm(parsing: parts.form) != nil else {
        throw ValidationError(
          "--form \(choice): there is no form \"\(parts.form)\"; there are seconds, milliseconds, "
            + "microseconds, julian, cocoa, iso8601, date, time, uuid, t/f, 0/1")
      }
    }
  }

  /// The last dot before the sign parts table and column.
  private static func parts(of choice: String) -> (table: String, column: String, form: String)? {
    let halves = choice.split(separator: "=", maxSplits: 1).map(String.init)
    guard halves.count == 2, let dot = halves[0].lastIndex(of: ".") else { return nil }
    let table = String(halves[0][..<dot])
    let column = String(halves[0][halves[0].index(after: dot)...])
    return table.isEmpty || column.isEmpty ? nil : (table, column, halves[1])
  }

  var choices: AttachChoices {
    var choices = AttachChoices()
    for choice in softDelete {
      let parts = choice.split(separator: "=", maxSplits: 1)
      choices.softDelete[String(parts[0])] =
        parts.count == 2 ? .column(String(parts[1])) : .ours
    }
    choices.within = Set(within)
    for choice in form {
      guard let parts = AttachOptions.parts(of: choice) else { continue }
      choices.forms[parts.table, default: [:]][parts.column] = ColumnForm(parsing: parts.form)
    }
    return choices
  }
}
