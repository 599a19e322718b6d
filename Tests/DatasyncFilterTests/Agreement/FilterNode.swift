import DatasyncModel

/// What the generator makes: an expression whose text is written from it, and which the naive
/// interpreter reads; the parser under test plays no part in that. A value.
indirect enum FilterNode {
  case constant(NaiveValue, text: String)
  case column(Int, name: String)
  case now
  case arithmetic(String, FilterNode, FilterNode)
  case minus(FilterNode)
  case compare(String, FilterNode, FilterNode)
  case list(FilterNode, [FilterNode])
  case both([FilterNode])
  case either([FilterNode])
  case not(FilterNode)
  case function(String, [FilterNode])
  case cast(FilterNode, to: String)

  var isColumn: Bool {
    if case .column = self { true } else { false }
  }

  /// As a filter, with parentheses wherever they could matter.
  var text: String {
    switch self {
    case .constant(_, let text): text
    case .column(_, let name): name
    case .now: "now()"
    case .arithmetic(let name, let left, let right), .compare(let name, let left, let right):
      "(\(left.text) \(name) \(right.text))"
    case .minus(let operand): "(-(\(operand.text)))"
    case .list(let operand, let elements):
      "(\(operand.text) in (\(elements.map(\.text).joined(separator: ", "))))"
    case .both(let terms): "(\(terms.map(\.text).joined(separator: " and ")))"
    case .either(let terms): "(\(terms.map(\.text).joined(separator: " or ")))"
    case .not(let operand): "(not (\(operand.text)))"
    case .function(let name, let arguments):
      "\(name)(\(arguments.map(\.text).joined(separator: ", ")))"
    case .cast(let operand, let type): "cast(\(operand.text), \(type))"
    }
  }
}
