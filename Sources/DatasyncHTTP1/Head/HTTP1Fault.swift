/// Why a request is not served, and its connection ends. A value.
package struct HTTP1Fault: Error, Hashable, Sendable {
  /// HTTP's; 400...599.
  package let status: Int
  /// For a person.
  package let sentence: String

  package init(_ status: Int, _ sentence: String) {
    self.status = status
    self.sentence = sentence
  }

  static func bad(_ sentence: String) -> HTTP1Fault { HTTP1Fault(400, sentence) }
}
