package import DatasyncModel

/// What `datasync check` found. A value.
package struct CheckReport: Sendable, CustomStringConvertible {
  /// Something that is wrong, and where. A value.
  package struct Finding: Sendable, CustomStringConvertible {
    /// Empty: the database as a whole.
    package let table: String
    /// Empty: the table as a whole.
    package let id: String
    package let message: String

    /// The place, long ids shortened, and the message.
    package var description: String {
      let place = [table, id.isEmpty ? "" : "\"\(id.shortened)\""].filter { !$0.isEmpty }
      return place.isEmpty ? message : "\(place.joined(separator: " ")): \(message)"
    }
  }

  /// At most ``maxFindings``.
  package private(set) var findings: [Finding] = []
  /// Tables that are served and were looked at.
  package internal(set) var tableCount = 0
  /// Their rows, also those of which changes of other programs are pending.
  package internal(set) var rowCount = 0
  /// Changes that the log holds.
  package internal(set) var changeCount = 0
  /// The last sequence that was given.
  package internal(set) var head = Sequence.zero
  /// Exclusive: the log begins after it.
  package internal(set) var oldest = Sequence.zero

  /// What was found after these; it is counted alone.
  package private(set) var furtherCount = 0

  /// A damaged table may have as many as it has rows.
  package static let maxFindings = 1000

  /// False as well for a database that was never served.
  package var isSound: Bool { findings.isEmpty }

  mutating func add(_ message: String, table: String = "", id: String = "") {
    guard findings.count < CheckReport.maxFindings else {
      furtherCount += 1
      return
    }
    findings.append(Finding(table: table, id: id, message: message))
  }

  /// A line with the counts, then one for each finding, then one for those that are counted alone.
  package var description: String {
    let head =
      "\(tableCount) tables, \(rowCount) rows, \(changeCount) changes (\(oldest.next) to \(head))"
    guard !findings.isEmpty else { return "\(head): sound" }
    let further = furtherCount > 0 ? ["and \(furtherCount) more"] : []
    return ([head] + findings.map(\.description) + further).joined(separator: "\n")
  }
}
