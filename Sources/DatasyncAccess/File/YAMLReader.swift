import DatasyncModel
import Yams

/// A node of the access file, and where it stands. A value; confined to one call, for Yams' nodes are
/// not Sendable.
///
/// A scalar is its text, whatever YAML takes it for: `no` is the role "no". Anchors, aliases and tags
/// are refused, so that what stands in the file is all that is meant.
struct YAMLReader {
  let file: String
  let place: String
  private let node: Node

  /// - Throws: Where it is no YAML, empty, or more than one document.
  static func root(of text: String, file: String) throws(AccessFault) -> YAMLReader {
    let node: Node?
    let parser: Parser
    do {
      parser = try Parser(yaml: text, encoding: .utf8)
      node = try parser.singleRoot()
    } catch let error as YamlError {
      throw fault(error, file: file)
    } catch {
      throw AccessFault(file: file, "it cannot be read: \(error)")
    }
    guard let node else { throw AccessFault(file: file, "it is empty") }
    let root = YAMLReader(file: file, place: "", node: node)
    // The parser alone holds the anchors that its nodes have.
    try withExtendedLifetime(parser) { () throws(AccessFault) in try root.checkPlain() }
    return root
  }

  private static func fault(_ error: YamlError, file: String) -> AccessFault {
    switch error {
    case .scanner(_, let problem, let mark, _), .parser(_, let problem, let mark, _),
      .composer(_, let problem, let mark, _):
      AccessFault(file: file, line: mark.line, "no YAML: \(problem)")
    case .duplicatedKeysInMapping(let keys, let context):
      AccessFault(
        file: file, line: context.mark.line,
        "the key '\(keys.first ?? "")' stands there more than once")
    case .reader(let problem, _, _, _): AccessFault(file: file, "no YAML: \(problem)")
    case .no, .memory, .writer, .emitter, .representer, .dataCouldNotBeDecoded:
      AccessFault(file: file, "it cannot be read as YAML")
    }
  }

  private init(file: String, place: String, node: Node) {
    self.file = file
    self.place = place
    self.node = node
  }

  var line: Int? { node.mark?.line }

  func fault(_ reason: String) -> AccessFault {
    AccessFault(file: file, place: place, line: line, reason)
  }

  private func child(_ node: Node, _ step: String) -> YAMLReader {
    YAMLReader(
      file: file, place: step.hasPrefix("[") || place.isEmpty ? place + step : "\(place).\(step)",
      node: node)
  }

  /// The same, named from here on: `todo_items` instead of `tables.todo_items`.
  func called(_ place: String) -> YAMLReader { YAMLReader(file: file, place: place, node: node) }

  // MARK: - Plainness

  /// An alias is what it names by then, with the anchor still on it.
  private func checkPlain() throws(AccessFault) {
    guard node.anchor == nil else { throw fault("anchors and aliases have no place in this file") }
    try checkTag()
    switch node {
    case .scalar: break
    case .sequence(let nodes):
      for (index, node) in nodes.enumerated() { try child(node, "[\(index)]").checkPlain() }
    case .mapping(let pairs):
      for (key, value) in pairs {
        let name = key.scalar?.string ?? "?"
        guard name != "<<" else {
          throw child(key, name).fault("merging has no place in this file")
        }
        try child(key, name).checkPlain()
        try child(value, name).checkPlain()
      }
    case .alias: throw fault("anchors and aliases have no place in this file")
    }
  }

  /// YAML's own tags change nothing: texts are taken as they are written.
  private func checkTag() throws(AccessFault) {
    let tag = node.tag.description
    guard tag.isEmpty || tag.hasPrefix("tag:yaml.org,2002:") || tag == "!" else {
      throw fault("tags have no place in this file")
    }
  }

  // MARK: - Kinds

  private var found: String {
    switch node {
    case .scalar(let scalar): isNothing ? "nothing" : "'\(scalar.string.shortened)'"
    case .sequence: "a list"
    case .mapping: "a map"
    case .alias: "an alias"
    }
  }

  private var isNothing: Bool {
    guard case .scalar(let scalar) = node, scalar.style == .plain else { return false }
    return ["", "~", "null", "Null", "NULL"].contains(scalar.string)
  }

  /// A text of one character or more.
  func text() throws(AccessFault) -> String {
    guard case .scalar(let scalar) = node, !isNothing, !scalar.string.isEmpty else {
      throw fault("found \(found); expected a text")
    }
    return scalar.string
  }

  func list() throws(AccessFault) -> [YAMLReader] {
    guard case .sequence(let nodes) = node else { throw fault("found \(found); expected a list") }
    return nodes.enumerated().map { child($1, "[\($0)]") }
  }

  var isMap: Bool { if case .mapping = node { true } else { false } }

  /// The entries of a map in their order; an empty one may be left empty.
  func entries() throws(AccessFault) -> [(key: String, value: YAMLReader)] {
    if isNothing { return [] }
    guard case .mapping(let pairs) = node else { throw fault("found \(found); expected a map") }
    var entries: [(String, YAMLReader)] = []
    var names: Set<String> = []
    for (key, value) in pairs {
      guard case .scalar(let scalar) = key, !scalar.string.isEmpty else {
        throw child(key, "").fault("found a key that is no text")
      }
      // YAML takes 1 and '1' for two.
      guard names.insert(scalar.string).inserted else {
        throw child(key, scalar.string).fault("the key stands there more than once")
      }
      entries.append((scalar.string, child(value, scalar.string)))
    }
    return entries
  }

  /// The entries of a map with these keys and no others.
  func fields(_ known: [String]) throws(AccessFault) -> [String: YAMLReader] {
    var fields: [String: YAMLReader] = [:]
    for (key, value) in try entries() {
      guard known.contains(key) else {
        throw value.fault(
          "no key of that name is known here"
            + NameSuggestion.clauseOrList(for: key, among: known, kind: "keys"))
      }
      fields[key] = value
    }
    return fields
  }

  /// A list of texts, none twice.
  func texts() throws(AccessFault) -> [String] {
    var texts: [String] = []
    for element in try list() {
      let text = try element.text()
      guard !texts.contains(text) else { throw element.fault("'\(text)' stands there twice") }
      texts.append(text)
    }
    return texts
  }
}
