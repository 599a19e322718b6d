package import DatasyncModel

/// A value for a column, made of the principal alone: what `set` of the access file fills in. A value.
package struct RuleValue: Sendable {
  /// As it stands in the file.
  package let text: String
  /// What it reads of the principal.
  package let use: PrincipalUse
  private let column: ColumnType
  private let tree: Expression
  private let names: RuleNames

  /// - Parameter scope: Its columns, old row and memberships are taken away.
  /// - Throws: ``ParseFault``, also where the value is of no type that the column takes.
  package init(
    parsing text: String, column: Int, of table: Table, scope: RuleScope
  ) throws(ParseFault) {
    var scope = scope
    (scope.hasColumns, scope.hasOldRow, scope.memberships) = (false, false, [:])
    let names = RuleNames(table: table, scope: scope)
    let syntax = try Parser.parse(text, limits: .default, isRule: true)
    let checker = Checker(table: names.wideTable, names: names)
    var tree = try checker.expression(syntax)
    let target = table.columns[column]
    let type = ExpressionType(target.type)
    if tree.type == .string, tree.type != type, tree.literal != nil,
      let converted = try checker.literal(tree, as: type)
    {
      tree = converted
    }
    guard RuleValue.fits(tree.type, type) else {
      throw ParseFault(
        at: tree.position,
        "found a value of type \(tree.type.name); \(target.name) needs \(type.name)")
    }
    if tree.type == .bool { try checker.checkOperands(of: tree) }
    self.text = text
    self.tree = tree
    self.names = names
    self.column = target.type
    use = PrincipalUse(of: tree, names)
  }

  private static func fits(_ found: ExpressionType, _ needed: ExpressionType) -> Bool {
    switch (found, needed) {
    case (.int64, .double), (.int64, .decimal): true
    default: found == needed
    }
  }

  /// The value for a principal; null where something absent is in it.
  package func value(for principal: Principal) -> Value {
    let folder = RuleFolder(names: names, principal: principal)
    switch (folder.value(tree), column) {
    case (.int64(let value), .double): return .double(Double(value))
    case (.int64(let value), .decimal): return .string(String(value))
    case (let value, _): return value.value
    }
  }
}

extension RuleFolder {
  /// Of an expression without columns; null where something absent is in it.
  func value(_ expression: Expression) -> Operand {
    let folded =
      expression.type == .bool ? exact(expression) : operand(expression) ?? expression
    return folded.literal ?? .null
  }
}
