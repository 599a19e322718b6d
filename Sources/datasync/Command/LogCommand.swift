import ArgumentParser
import DatasyncModel
import DatasyncServer
import DatasyncStore

/// `datasync log`.
struct LogCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "log",
    abstract: "Prints who wrote what: the change log, oldest first.",
    discussion: """
      The database is not changed; it may be served meanwhile. What other programs write comes once the \
      server has taken it over, with neither origin nor principal.
      """)

  @Argument(help: "The SQLite database file.")
  var database: String

  @Option(help: "Only changes of this table.")
  var table: String?

  @Option(help: "Only changes of the row with this key.")
  var id: String?

  @Option(
    help: ArgumentHelp(
      "Only changes after a sequence, or from a time on, as 2026-01-31T12:00:00Z.",
      valueName: "sequence-or-time"))
  var since: String?

  @Flag(help: "Go on with what is written, until interrupted.")
  var follow = false

  @Flag(help: "Print one JSON object a line.")
  var json = false

  func run() async throws {
    StandardOutput.outliveReaders()
    // Whatever it is at then: nothing is left to be tidied up.
    StandardOutput.endOnSignal()
    let format = json ? LogFormat.json : .columns
    do throws(DatasyncError) {
      let listing = try LogListing(path: database, selection: try selection())
      defer { listing.close() }
      guard StandardOutput.tell(format.heading) else { return }
      while try await printNext(of: listing, format) {}
    } catch {
      throw ServerError(error.message)
    }
  }

  /// - Returns: Whether there is more to come, for somebody who reads it.
  private func printNext(
    of listing: LogListing, _ format: LogFormat
  ) async throws(DatasyncError) -> Bool {
    let page = try listing.next()
    if let compacted = page.compacted {
      StandardError.print(
        "The log was compacted: what was written up to sequence \(compacted) is not listed.")
    }
    guard StandardOutput.tell(page.changes.map { format.line($0) }.joined()) else { return false }
    guard page.isLast else { return true }
    guard follow else { return false }
    repeat {
      do {
        try await Task.sleep(for: .milliseconds(100))
      } catch {
        return false
      }
      if StandardOutput.isAbandoned { return false }
    } while try !listing.hasNews()
    return true
  }

  private func selection() throws(DatasyncError) -> LogSelection {
    var selection = LogSelection(table: table, id: id)
    guard let since else { return selection }
    if let sequence = UInt64(since) {
      selection.after = Sequence(sequence)
    } else if let time = CivilTime.timestamp(parsing: since) {
      selection.since = time
    } else {
      throw .badField(
        "since", reason: "BAD_VALUE",
        "--since takes a sequence, or a time as 2026-01-31T12:00:00Z, not '\(since.shortened)'")
    }
    return selection
  }
}

/// How `datasync log` writes a change.
enum LogFormat {
  /// For people: what is absent is a dash.
  case columns
  /// For programs: an object a line.
  case json

  var heading: String {
    switch self {
    case .columns:
      LogFormat.columns([
        "SEQUENCE", "TIME", "OPERATION", "TABLE", "ID", "ORIGIN", "PRINCIPAL", "CHANGED",
      ])
    case .json: ""
    }
  }

  func line(_ change: LoggedChange) -> String {
    let time = CivilTime(timestamp: change.time).timestampText
    switch self {
    case .columns:
      return LogFormat.columns([
        "\(change.sequence)", time, change.operation.name, change.table, change.id,
        change.author.clientID, change.author.principal,
        change.changedFields.joined(separator: ","),
      ])
    case .json:
      let fields = change.changedFields.map(\.quotedJSON).joined(separator: ",")
      return """
        {"sequence":\(change.sequence),"time":"\(time)","operation":"\(change.operation.name)",\
        "table":\(change.table.quotedJSON),"id":\(change.id.quotedJSON),\
        "origin":\(change.author.clientID.quotedJSON),\
        "principal":\(change.author.principal.quotedJSON),"changed_fields":[\(fields)]}

        """
    }
  }

  private static let widths = [8, 27, 9, 16, 24, 16, 16, 0]

  private static func columns(_ texts: [String]) -> String {
    let cells = zip(texts, widths).map { text, width in
      let text = text.isEmpty ? "-" : text.withoutControls
      return text + String(repeating: " ", count: max(0, width - text.count))
    }
    let line = cells.joined(separator: "  ")
    return line + "\n"
  }
}

extension Change.Operation {
  fileprivate var name: String {
    switch self {
    case .insert: "INSERT"
    case .update: "UPDATE"
    case .delete: "DELETE"
    case .tableAttached: "ATTACH"
    }
  }
}

extension String {
  /// A key may hold what a terminal would obey.
  fileprivate var withoutControls: String {
    String(
      String.UnicodeScalarView(
        unicodeScalars.map { scalar in
          scalar.properties.generalCategory == .control ? "\u{FFFD}" : scalar
        }))
  }

  var quotedJSON: String {
    var text = "\""
    for scalar in unicodeScalars {
      switch scalar {
      case "\"": text += "\\\""
      case "\\": text += "\\\\"
      case _ where scalar.value < 0x20 || scalar.value == 0x7F:
        let digits = String(scalar.value, radix: 16)
        text += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
      default: text.unicodeScalars.append(scalar)
      }
    }
    return text + "\""
  }
}
