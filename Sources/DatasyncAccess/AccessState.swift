package import DatasyncModel

/// The access file and those that it names, as they were when they could last be used; reads them anew
/// when it is told to. A value: whoever has a timer or hears a signal calls ``reload(_:catalog:)``.
package struct AccessState: Sendable {
  /// What has become of a look at the files.
  package enum Reload: Sendable {
    /// They are as they were: everything stays.
    case unchanged
    /// They have changed: ask ``verifier`` and ``rules`` anew about all that is in use.
    case reloaded
    /// One cannot be used: everything stays as it was. Said once for each content.
    case refused(AccessFault)
  }

  package private(set) var verifier: CredentialVerifier
  package private(set) var rules: AccessRules
  private let path: String
  /// By path; what cannot be read is nil.
  private var seen: [String: [UInt8]?]

  package var file: AccessFile { verifier.file }

  /// For the start: a fault of any file, or of any rule, stops it.
  package init(path: String, contents: FileContents, catalog: Catalog) throws(AccessFault) {
    self.path = path
    let file = try AccessFile(reading: path, contents: contents)
    verifier = try CredentialVerifier(file: file, contents: contents)
    rules = AccessRules(file: file, catalog: catalog)
    if let fault = rules.faults.first { throw fault }
    seen = AccessState.bytes(path, file, contents)
  }

  /// Looks at the files.
  ///
  /// - Parameter catalog: A rule that does not fit it refuses a changed file.
  package mutating func reload(_ contents: FileContents, catalog: Catalog) -> Reload {
    let found = AccessState.bytes(path, file, contents)
    guard found != seen else { return .unchanged }
    seen = found
    do throws(AccessFault) {
      let file = try AccessFile(reading: path, contents: contents)
      let verifier = try CredentialVerifier(file: file, contents: contents)
      let rules = AccessRules(file: file, catalog: catalog)
      if let fault = rules.faults.first { throw fault }
      self.verifier = verifier
      self.rules = rules
      seen = AccessState.bytes(path, file, contents)
      return .reloaded
    } catch {
      return .refused(error)
    }
  }

  /// The rules for another schema: tables whose rules no longer fit are refused, see
  /// ``AccessRules/faults``.
  package mutating func adapt(to catalog: Catalog) {
    rules = AccessRules(file: file, catalog: catalog)
  }

  private static func bytes(
    _ path: String, _ file: AccessFile, _ contents: FileContents
  ) -> [String: [UInt8]?] {
    var bytes: [String: [UInt8]?] = [:]
    for path in [path] + file.otherPaths {
      bytes.updateValue(try? contents.bytes(of: path, place: ""), forKey: path)
    }
    return bytes
  }
}
