/// What is wrong with the access file or one that it names, for the operator. A value.
package struct AccessFault: Error, Hashable, CustomStringConvertible {
  /// As it was given, or as the access file names it.
  package let file: String
  /// Where in it, such as `todo_items.read` or `credentials.jwt[0].keys`; empty: the whole of it.
  package let place: String
  package let reason: String
  /// From 1; nil: it is not known.
  package let line: Int?

  package init(file: String, place: String = "", line: Int? = nil, _ reason: String) {
    self.file = file
    self.place = place
    self.line = line
    self.reason = reason
  }

  /// `FILE: place: reason (line N)`.
  package var description: String {
    let parts = [file, place, reason].filter { !$0.isEmpty }.joined(separator: ": ")
    return line.map { "\(parts) (line \($0))" } ?? parts
  }
}
