/// Reads files; who opens them, and when, is not this module's concern. A value.
package struct FileContents: Sendable {
  /// Why a file cannot be read, for people.
  package struct Failure: Error, Sendable {
    package let reason: String

    package init(_ reason: String) {
      self.reason = reason
    }
  }

  private let body: @Sendable (String) throws(Failure) -> [UInt8]

  /// - Parameter body: Gives at most ``AccessFile/maxBytes`` and one, so that what is too large shows.
  package init(_ body: @escaping @Sendable (String) throws(Failure) -> [UInt8]) {
    self.body = body
  }

  func bytes(of path: String, place: String) throws(AccessFault) -> [UInt8] {
    let bytes: [UInt8]
    do throws(Failure) {
      bytes = try body(path)
    } catch {
      throw AccessFault(file: path, place: place, error.reason)
    }
    guard bytes.count <= AccessFile.maxBytes else {
      throw AccessFault(file: path, place: place, "it has more than \(AccessFile.maxBytes) bytes")
    }
    return bytes
  }

  func text(of path: String, place: String) throws(AccessFault) -> String {
    guard let text = String(validating: try bytes(of: path, place: place), as: UTF8.self) else {
      throw AccessFault(file: path, place: place, "it is no UTF-8")
    }
    return text
  }
}
