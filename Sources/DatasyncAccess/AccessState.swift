package import DatasyncModel

/// The access file and those that it names, as they were when they could last be used; takes them anew
/// when it is told to look. A value: whoever has a timer or hears a signal calls
/// ``reload(_:catalog:)``.
///
/// A file that cannot be used is refused alone: the one that stood there before stays in use, and what
/// has changed in others counts, so that a slip in one file keeps no token of another alive.
package struct AccessState: Sendable {
  /// What has become of a look at the files. A value.
  package struct Reload: Sendable {
    /// Whether anything is other now: ask ``AccessState/verifier`` and ``AccessState/rules`` anew about
    /// all that is in use.
    package fileprivate(set) var isChanged = false
    /// Why files were refused; each is told once for what stands in it.
    package fileprivate(set) var faults: [AccessFault] = []
  }

  package private(set) var verifier: CredentialVerifier
  package private(set) var rules: AccessRules
  private let path: String
  /// What is in use, by path.
  private var used: Snapshot
  /// What was looked at last.
  private var seen: Snapshot
  /// Faults of what was looked at last.
  private var told: Set<AccessFault> = []

  package var file: AccessFile { verifier.file }

  /// For the start: a fault of any file, or of any rule, stops it.
  package init(path: String, contents: FileContents, catalog: Catalog) throws(AccessFault) {
    self.path = path
    used = Snapshot(path, contents, known: [])
    (verifier, rules) = try used.use(path, catalog)
    seen = used
  }

  /// Looks at the files.
  ///
  /// - Parameter catalog: Where rules of a changed access file do not fit it, that is refused.
  package mutating func reload(_ contents: FileContents, catalog: Catalog) -> Reload {
    let found = Snapshot(path, contents, known: file.otherPaths)
    guard found != seen else { return Reload() }
    seen = found
    var reload = Reload()
    // Files that change together may fit together alone.
    if (try? adopt(found, catalog)) != nil {
      reload.isChanged = true
      told = []
      return reload
    }
    var faults: Set<AccessFault> = []
    for path in [path] + file.otherPaths where found[path] != used[path] {
      var one = used
      one.take(path, from: found)
      if path == self.path { one.fill(from: found) }
      do throws(AccessFault) {
        try adopt(one, catalog)
        reload.isChanged = true
      } catch {
        if !told.contains(error) { reload.faults.append(error) }
        faults.insert(error)
      }
    }
    told = faults
    return reload
  }

  private mutating func adopt(_ snapshot: Snapshot, _ catalog: Catalog) throws(AccessFault) {
    (verifier, rules) = try snapshot.use(path, catalog)
    used = snapshot
  }

  /// The rules for another schema: tables whose rules no longer fit are refused, see
  /// ``AccessRules/faults``.
  package mutating func adapt(to catalog: Catalog) {
    rules = AccessRules(file: file, catalog: catalog)
  }
}

/// What stood in some files at one moment. A value.
private struct Snapshot: Hashable, Sendable {
  private enum Entry: Hashable, Sendable {
    case bytes([UInt8])
    /// Why it could not be read.
    case failure(String)
  }

  private var entries: [String: Entry] = [:]

  /// Reads the access file, what it names, and what is known from before.
  init(_ path: String, _ contents: FileContents, known: [String]) {
    read(path, contents)
    let named = (try? AccessFile(reading: path, contents: self.contents))?.otherPaths ?? []
    for path in named + known where entries[path] == nil { read(path, contents) }
  }

  private mutating func read(_ path: String, _ contents: FileContents) {
    do throws(AccessFault) {
      entries[path] = .bytes(try contents.bytes(of: path, place: ""))
    } catch {
      entries[path] = .failure(error.reason)
    }
  }

  subscript(path: String) -> some Hashable { entries[path] }

  mutating func take(_ path: String, from other: Snapshot) {
    entries[path] = other.entries[path]
  }

  /// Takes what it has nothing of.
  mutating func fill(from other: Snapshot) {
    entries.merge(other.entries) { own, _ in own }
  }

  var contents: FileContents {
    FileContents { [entries] (path) throws(FileContents.Failure) in
      switch entries[path] {
      case .bytes(let bytes): return bytes
      case .failure(let reason): throw FileContents.Failure(reason)
      case nil: throw FileContents.Failure("it was not read")
      }
    }
  }

  /// What they make together.
  func use(
    _ path: String, _ catalog: Catalog
  ) throws(AccessFault) -> (CredentialVerifier, AccessRules) {
    let file = try AccessFile(reading: path, contents: contents)
    let verifier = try CredentialVerifier(file: file, contents: contents)
    let rules = AccessRules(file: file, catalog: catalog)
    if let fault = rules.faults.first { throw fault }
    return (verifier, rules)
  }
}
