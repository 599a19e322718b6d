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

    package var description: String {
      let place = [table, id.isEmpty ? "" : "\"\(id.shortened)\""].filter { !$0.isEmpty }
      return place.isEmpty ? message : "\(place.joined(separator: " ")): \(message)"
    }
  }

  /// At most ``maxFindings``.
  package private(set) var findings: [Finding] = []
  package internal(set) var tableCount = 0
  package internal(set) var rowCount = 0
  package internal(set) var changeCount = 0
  package internal(set) var head = Sequence.zero
  package internal(set) var oldest = Sequence.zero

  package static let maxFindings = 1000

  package var isSound: Bool { findings.isEmpty }

  mutating func add(_ message: String, table: String = "", id: String = "") {
    guard findings.count < CheckReport.maxFindings else { return }
    findings.append(Finding(table: table, id: id, message: message))
  }

  package var description: String {
    let head =
      "\(tableCount) tables, \(rowCount) rows, \(changeCount) changes (\(oldest.next) to \(head))"
    guard !findings.isEmpty else { return "\(head): sound" }
    return ([head] + findings.map(\.description)).joined(separator: "\n")
  }
}
