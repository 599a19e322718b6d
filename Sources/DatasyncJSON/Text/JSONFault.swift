package import DatasyncModel

/// Why text is no message, or a message no text. A value.
package struct JSONFault: Error, Hashable, Sendable {
  package enum Kind: Sendable {
    /// The text is no JSON at all: what comes after the fault cannot be read.
    case syntax
    /// It is JSON, and not that of the message.
    case content
    /// More bytes than the caller allows.
    case size
    /// The bytes are no message that JSON can hold; whoever made them is to blame.
    case message
  }

  package let kind: Kind
  /// The field at fault, as JSON calls it: `writes[2].create.entity.title`; empty: the whole.
  package private(set) var path: String
  /// What is wrong there.
  package let problem: String

  init(_ kind: Kind, _ problem: String, path: String = "") {
    self.kind = kind
    self.problem = problem
    self.path = path
  }

  /// The same one, seen from the message around it.
  func inside(_ name: String) -> JSONFault {
    var fault = self
    let separator = path.isEmpty || path.hasPrefix("[") ? "" : "."
    fault.path = name.shortened + separator + path
    return fault
  }

  func inside(_ index: Int) -> JSONFault { inside("[\(index)]") }

  /// For people: the path and the problem.
  package var message: String { path.isEmpty ? problem : "\(path): \(problem)" }

  /// INVALID_ARGUMENT where the text is at fault, RESOURCE_EXHAUSTED where it is too large, and
  /// INTERNAL where it is ours.
  package var error: DatasyncError {
    switch kind {
    case .syntax, .content:
      DatasyncError(
        .invalidArgument, reason: "MALFORMED_MESSAGE", message,
        violations: path.isEmpty ? [] : [.init(field: path, description: problem)])
    case .size: DatasyncError(.resourceExhausted, message)
    case .message: DatasyncError(.internal, message)
    }
  }
}

extension JSONFault: CustomStringConvertible {
  package var description: String { message }
}
