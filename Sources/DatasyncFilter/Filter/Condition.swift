package import DatasyncModel

/// A condition that is built, not written: for parts of the program that make filters of their own. A
/// value.
///
/// ``Filter/init(_:table:terms:)`` checks it as it checks a text: names, types, constants.
package indirect enum Condition: Sendable {
  case compare(ConditionTerm, ComparisonOperator, ConditionTerm)
  /// An empty list holds nothing; null in it is found.
  case isIn(ConditionTerm, [Operand])
  case isNull(ConditionTerm)
  case and([Condition])
  case or([Condition])
  case not(Condition)
}

/// What a ``Condition`` compares. A value.
package enum ConditionTerm: Sendable {
  /// By the field's name, or `id`.
  case column(String)
  /// By its position in ``Table/columns``.
  case columnAt(Int)
  /// A text stands for a date, time, moment, UUID or enum value where the other side is one.
  case literal(Operand)
}

extension Filter {
  /// - Throws: INVALID_ARGUMENT, reason BAD_FILTER; the position is in ``text``.
  package init(
    _ condition: Condition, table: Table, terms: TextTerms? = nil
  ) throws(DatasyncError) {
    var writer = ConditionWriter(table: table)
    let tree: Expression
    do {
      tree = try Checker(table: table).condition(try writer.syntax(condition))
    } catch {
      throw error.error(field: "filter", reason: "BAD_FILTER")
    }
    self.init(
      text: writer.text, tree: tree, fields: writer.fields, table: table, terms: terms)
  }
}

/// Makes the parse tree of a condition, and the text in which its positions lie. Confined to one call.
private struct ConditionWriter {
  let table: Table
  private(set) var text = ""
  private(set) var fields: [(name: String, column: Int)] = []

  init(table: Table) {
    self.table = table
  }

  private var position: Int { text.unicodeScalars.count + 1 }

  mutating func syntax(_ condition: Condition) throws(ParseFault) -> Syntax {
    switch condition {
    case .compare(let left, let comparison, let right):
      let left = try syntax(left)
      let place = position + 1
      text += " \(comparison.rawValue) "
      return node(.comparison(comparison, left, try syntax(right)), at: place)
    case .isIn(_, let constants) where constants.isEmpty:
      return leaf(.literal(Literal(operand: .bool(false), type: .bool)), "false")
    case .isIn(let term, let constants):
      let operand = try syntax(term)
      let place = position + 1
      text += " in ("
      var elements: [Syntax] = []
      for (index, constant) in constants.enumerated() {
        if index > 0 { text += ", " }
        elements.append(try syntax(.literal(constant)))
      }
      text += ")"
      return node(.membership(operand, elements), at: place)
    case .isNull(let term):
      return try syntax(.compare(term, .eq, .literal(.null)))
    case .and(let terms): return try joined(terms, .and)
    case .or(let terms): return try joined(terms, .or)
    case .not(let operand):
      let place = position
      text += "not ("
      let inner = try syntax(operand)
      text += ")"
      return node(.not(inner), at: place)
    }
  }

  private mutating func joined(
    _ terms: [Condition], _ logical: LogicalOperator
  ) throws(ParseFault) -> Syntax {
    guard !terms.isEmpty else {
      // Of none all are true, and none is.
      let value = logical == .and
      return leaf(.literal(Literal(operand: .bool(value), type: .bool)), "\(value)")
    }
    var place = position
    var parts: [Syntax] = []
    for (index, term) in terms.enumerated() {
      if index > 0 {
        place = index == 1 ? position + 1 : place
        text += " \(logical.rawValue) "
      }
      text += "("
      parts.append(try syntax(term))
      text += ")"
    }
    return parts.count == 1 ? parts[0] : node(.logical(logical, parts), at: place)
  }

  private mutating func syntax(_ term: ConditionTerm) throws(ParseFault) -> Syntax {
    switch term {
    case .column(let name):
      fields.append((name, try table.position(ofField: name, at: position)))
      return leaf(.field(name), name)
    case .columnAt(let index):
      guard table.columns.indices.contains(index) else {
        throw ParseFault(at: position, "found column \(index); there are \(table.columns.count)")
      }
      let name = table.columns[index].name
      fields.append((name, index))
      return leaf(.field(name), name)
    case .literal(let operand):
      let type = ExpressionType(of: operand)
      return leaf(.literal(Literal(operand: operand, type: type)), operand.literalText)
    }
  }

  private mutating func leaf(_ kind: Syntax.Kind, _ written: String) -> Syntax {
    let place = position
    text += written
    return node(kind, at: place)
  }

  private func node(_ kind: Syntax.Kind, at position: Int) -> Syntax {
    Syntax(kind: kind, position: position, depth: 1)
  }
}

extension ExpressionType {
  /// That of a constant by itself: a text is a text, whatever it may stand for.
  init(of operand: Operand) {
    self =
      switch operand {
      case .null: .null
      case .bool: .bool
      case .int64: .int64
      case .double: .double
      case .decimal: .decimal
      case .string: .string
      case .bytes: .bytes
      case .timestamp: .timestamp
      }
  }
}

extension Operand {
  /// As it stands in a filter.
  fileprivate var literalText: String {
    switch self {
    case .null: "null"
    case .bool(let value): "\(value)"
    case .int64(let value): "\(value)"
    case .double(let value): value.description.contains("e") ? "\(value)" : "\(value)e0"
    case .decimal(let value): "\(value.text)M"
    case .string(let text):
      "'" + text.unicodeScalars.map { $0 == "'" ? "''" : String($0) }.joined() + "'"
    case .bytes(let bytes):
      "X'" + bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined() + "'"
    case .timestamp(let moment): CivilTime(timestamp: moment).timestampText
    }
  }
}
