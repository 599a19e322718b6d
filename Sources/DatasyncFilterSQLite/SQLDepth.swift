import DatasyncFilter

/// How deep SQLite's parser gets into the SQL of an expression.
///
/// Before 3.46 its stack holds 100 entries, and the statement around the filter needs some. Source:
/// sqlite.org/compile.html, YYSTACKDEPTH.
enum SQLDepth {
  /// Entries for a filter.
  static let limit = 60

  static func fits(_ expression: Expression) -> Bool {
    entries(expression) <= limit
  }

  /// An upper bound.
  static func entries(_ expression: Expression) -> Int {
    switch expression.kind {
    case .literal, .now: 1
    // function ( CASE WHEN "c" < ? THEN CAST ( "c" AS
    case .column: 14
    // name ( list , …
    case .call(_, let arguments): 5 + deepest(arguments)
    // ( ( left IS function ( …, or compare ( list , function ( …
    case .comparison(_, let left, let right, .rank): 16 + deepest([left, right])
    case .comparison(_, let left, let right, _): 11 + deepest([left, right])
    // ( ( ( ( likelihood ( "c" COLLATE … AND …
    case .membership(let operand, _, _, _): 14 + entries(operand)
    // ( ( … AND ( "c" COLLATE … IN ( SELECT … json_each ( ?
    case .memberOf(let operand, _, _): 18 + entries(operand)
    case .isNull(let operand, _), .not(let operand): 2 + entries(operand)
    // ( left AND …, and as much for every time that a long one is cut up
    case .and(let terms), .or(let terms):
      (terms.count > SQLWriter.maxTerms ? 9 : 3) + deepest(terms)
    }
  }

  private static func deepest(_ expressions: [Expression]) -> Int {
    expressions.reduce(0) { max($0, entries($1)) }
  }
}
