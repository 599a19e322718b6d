/// Why a server did not start, or a file of its configuration was refused: a sentence for a person, which
/// names what it is about. A value.
public struct ServerError: Error, CustomStringConvertible {
  /// The sentence.
  public let description: String

  package init(_ description: String) {
    self.description = description
  }
}
