import ArgumentParser
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

  var isEmpty: Bool { softDelete.isEmpty && within.isEmpty }

  func validate() throws {
    for choice in softDelete {
      let parts = choice.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      guard !parts[0].isEmpty, parts.count == 1 || !parts[1].isEmpty else {
        throw ValidationError("--soft-delete takes TABLE or TABLE=COLUMN, not \"\(choice)\"")
      }
    }
  }

  var choices: AttachChoices {
    var choices = AttachChoices()
    for choice in softDelete {
      let parts = choice.split(separator: "=", maxSplits: 1)
      choices.softDelete[String(parts[0])] =
        parts.count == 2 ? .column(String(parts[1])) : .ours
    }
    choices.within = Set(within)
    return choices
  }
}
