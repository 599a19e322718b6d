import DatasyncModel

/// Makes filters of a table that the checker accepts, at random. Confined to its test.
struct FilterGenerator {
  /// What an expression yields, as far as the generator cares.
  enum Kind: Hashable {
    case bool, int, real, decimal, text, bytes, moment, date, time, uuid, choice
  }

  let table: Table
  var random: RandomSource
  var testsColumnsForNull = true

  mutating func filter() -> FilterNode {
    let node = node(.bool, depth: 2 + random.below(4))
    return random.chance(12) ? deepened(node) : node
  }

  /// The same among so many levels that SQLite's parser would not take it.
  private mutating func deepened(_ node: FilterNode) -> FilterNode {
    var node = node
    for _ in 0..<8 { node = .compare(random.pick(["eq", "ne", "ge", "le"]), node, leaf(.bool)) }
    return node
  }

  // MARK: - Leaves

  private func kind(_ type: ColumnType) -> Kind {
    switch type {
    case .bool: .bool
    case .int64: .int
    case .double: .real
    case .string, .json: .text
    case .bytes: .bytes
    case .timestamp: .moment
    case .date: .date
    case .timeOfDay: .time
    case .decimal: .decimal
    case .uuid: .uuid
    case .enumeration: .choice
    }
  }

  private mutating func column(_ kind: Kind) -> FilterNode? {
    let fitting = table.columns.indices.filter { self.kind(table.columns[$0].type) == kind }
    guard !fitting.isEmpty else { return nil }
    let index = random.pick(fitting)
    let name = table.columns[index].name
    return .column(index, name: random.chance(8) ? "$it/\(name)" : name)
  }

  mutating func constant(_ kind: Kind) -> FilterNode {
    switch kind {
    case .bool:
      let value = random.chance(2)
      return .constant(.bool(value), text: "\(value)")
    case .int:
      let value = RowGenerator.integer(&random)
      return .constant(.int(value), text: "\(value)\(random.chance(6) ? "L" : "")")
    case .real:
      let value = random.pick(RowGenerator.doubles)
      let text = value.description
      return .constant(.real(value), text: text.contains("e") ? text : "\(text)e0")
    case .decimal:
      let text = RowGenerator.decimal(&random)
      return .constant(NaiveDecimal(text).map { .decimal($0) } ?? .null, text: "\(text)M")
    case .text:
      let value = RowGenerator.text(&random)
      return .constant(.text(value), text: FilterGenerator.quoted(value))
    case .bytes:
      return random.chance(2)
        ? .constant(.bytes([0x61]), text: "X'61'")
        : .constant(.bytes([255]), text: "binary'_w=='")
    case .moment:
      let value = random.pick(RowGenerator.moments)
      return .constant(.moment(value), text: NaiveValue.momentText(value))
    case .date:
      let (year, month, day) = random.pick(RowGenerator.dates)
      return .constant(
        .date(year, month, day), text: NaiveValue.dateText(year, month, day))
    case .time:
      let value = random.pick(RowGenerator.times)
      return .constant(.time(value), text: NaiveValue.timeText(value))
    case .uuid:
      let value = random.pick(RowGenerator.uuids)
      return .constant(.text(value), text: value)
    case .choice:
      let index = random.below(RowGenerator.enumValues.count)
      return .constant(
        .choice(index), text: FilterGenerator.quoted(RowGenerator.enumValues[index]))
    }
  }

  private static func quoted(_ text: String) -> String {
    var quoted = String.UnicodeScalarView("'".unicodeScalars)
    for scalar in text.unicodeScalars {
      quoted.append(scalar)
      if scalar == "'" { quoted.append(scalar) }
    }
    quoted.append("'")
    return String(quoted)
  }

  private mutating func leaf(_ kind: Kind) -> FilterNode {
    if !random.chance(3), let column = column(kind) { return column }
    if kind == .moment, random.chance(3) { return .now }
    return constant(kind)
  }

  // MARK: - Trees

  mutating func node(_ kind: Kind, depth: Int) -> FilterNode {
    guard depth > 0, !random.chance(6) else { return leaf(kind) }
    let below = depth - 1
    switch kind {
    case .bool: return condition(below)
    case .int: return integer(below)
    case .real: return real(below)
    case .decimal: return decimal(below)
    case .text: return text(below)
    case .moment:
      return random.chance(4)
        ? .cast(node(.date, depth: below), to: "Edm.DateTimeOffset") : leaf(.moment)
    case .date:
      switch random.below(4) {
      case 0: return .function("date", [node(.moment, depth: below)])
      case 1: return .cast(node(.text, depth: below), to: "Edm.Date")
      case 2: return .cast(node(.moment, depth: below), to: "Edm.Date")
      default: return leaf(.date)
      }
    case .time:
      return random.chance(2) ? .function("time", [node(.moment, depth: below)]) : leaf(.time)
    case .bytes, .uuid, .choice: return leaf(kind)
    }
  }

  private mutating func condition(_ depth: Int) -> FilterNode {
    switch random.below(12) {
    case 0: return .both((0..<(2 + random.below(3))).map { _ in node(.bool, depth: depth) })
    case 1: return .either((0..<(2 + random.below(3))).map { _ in node(.bool, depth: depth) })
    case 2: return .not(node(.bool, depth: depth))
    case 3, 4: return list(depth)
    case 5, 6:
      return .function(
        random.pick(["contains", "startswith", "endswith"]),
        [node(.text, depth: depth), node(.text, depth: depth)])
    case 7:
      return random.chance(3)
        ? .cast(node(.text, depth: depth), to: "Edm.Boolean") : leaf(.bool)
    default: return comparison(depth)
    }
  }

  private mutating func comparison(_ depth: Int) -> FilterNode {
    let name = random.pick(["eq", "ne", "gt", "ge", "lt", "le"])
    let kind = random.pick([
      Kind.bool, .int, .int, .real, .decimal, .decimal, .text, .text, .bytes, .moment, .moment,
      .date, .time, .uuid, .choice, .choice,
    ])
    if kind == .choice {
      guard let column = column(.choice) else { return leaf(.bool) }
      let other = leaf(.choice)
      return random.chance(2) ? .compare(name, column, other) : .compare(name, other, column)
    }
    let left = node(kind, depth: depth)
    if random.chance(8), testsColumnsForNull || !left.isColumn {
      return .compare(name, left, .constant(.null, text: "null"))
    }
    let numbers: [Kind] = [.int, .real, .decimal]
    var other = kind
    if numbers.contains(kind), random.chance(2) { other = random.pick(numbers) }
    if kind == .moment, random.chance(4) { other = .date }
    var right = random.chance(2) ? constant(other) : node(other, depth: depth)
    // What is computed from constants may be the constant null.
    if !testsColumnsForNull, left.isColumn, !right.isColumn { right = constant(other) }
    if !testsColumnsForNull, right.isColumn, !left.isColumn { right = constant(other) }
    return random.chance(2) ? .compare(name, left, right) : .compare(name, right, left)
  }

  private mutating func list(_ depth: Int) -> FilterNode {
    let kind = random.pick([
      Kind.int, .real, .decimal, .text, .text, .bytes, .moment, .date, .time, .uuid, .choice, .bool,
    ])
    let operand: FilterNode
    if kind == .choice {
      guard let column = column(.choice) else { return leaf(.bool) }
      operand = column
    } else {
      operand = node(kind, depth: depth)
    }
    let others: [Kind] =
      switch kind {
      case .int: [.int, .int, .real, .decimal]
      case .real: [.real, .int, .decimal]
      case .decimal: random.chance(4) ? [.real] : [.decimal, .int]
      default: [kind]
      }
    var elements = (0...random.below(4)).map { _ in constant(random.pick(others)) }
    if random.chance(6) { elements.append(.constant(.null, text: "null")) }
    return .list(operand, elements)
  }

  private mutating func integer(_ depth: Int) -> FilterNode {
    switch random.below(10) {
    case 0: return .function("length", [node(.text, depth: depth)])
    case 1:
      return .function("indexof", [node(.text, depth: depth), node(.text, depth: depth)])
    case 2:
      return .function(
        random.pick(["year", "month", "day"]),
        [node(random.pick([.date, .moment]), depth: depth)])
    case 3:
      return .function(
        random.pick(["hour", "minute", "second"]),
        [node(random.pick([.time, .moment]), depth: depth)])
    case 4: return .minus(node(.int, depth: depth))
    case 5:
      return .cast(node(random.pick([.real, .decimal, .text]), depth: depth), to: "Edm.Int64")
    case 6: return .cast(node(.int, depth: depth), to: random.pick(["Edm.Byte", "Edm.Int16"]))
    case 7: return .function("round", [node(.int, depth: depth)])
    default:
      return .arithmetic(
        random.pick(["add", "sub", "mul", "div", "mod"]), node(.int, depth: depth),
        node(.int, depth: depth))
    }
  }

  private mutating func real(_ depth: Int) -> FilterNode {
    switch random.below(6) {
    case 0:
      return .function(
        random.pick(["floor", "ceiling", "round"]), [node(.real, depth: depth)])
    case 1: return .minus(node(.real, depth: depth))
    case 2:
      return .cast(
        node(random.pick([.int, .decimal, .text]), depth: depth), to: "Edm.Double")
    case 3: return .cast(node(random.pick([.int, .real]), depth: depth), to: "Edm.Single")
    default:
      let other = node(random.pick([.int, .real, .decimal]), depth: depth)
      let name = random.pick(["add", "sub", "mul", "div", "divby", "mod"])
      let real = node(.real, depth: depth)
      return random.chance(2) ? .arithmetic(name, real, other) : .arithmetic(name, other, real)
    }
  }

  private mutating func decimal(_ depth: Int) -> FilterNode {
    switch random.below(6) {
    case 0:
      return .function(
        random.pick(["floor", "ceiling", "round"]), [node(.decimal, depth: depth)])
    case 1: return .minus(node(.decimal, depth: depth))
    case 2:
      return .cast(node(random.pick([.int, .real, .text]), depth: depth), to: "Edm.Decimal")
    case 3:
      return .arithmetic("divby", node(.int, depth: depth), node(.int, depth: depth))
    default:
      let other = node(random.pick([.int, .decimal]), depth: depth)
      let name = random.pick(["add", "sub", "mul", "div", "divby", "mod"])
      let decimal = node(.decimal, depth: depth)
      return random.chance(2)
        ? .arithmetic(name, decimal, other) : .arithmetic(name, other, decimal)
    }
  }

  private mutating func text(_ depth: Int) -> FilterNode {
    switch random.below(6) {
    case 0:
      return .function(random.pick(["tolower", "toupper", "trim"]), [node(.text, depth: depth)])
    case 1:
      return .function("concat", [node(.text, depth: depth), node(.text, depth: depth)])
    case 2:
      return .function("substring", [node(.text, depth: depth), node(.int, depth: depth)])
    case 3:
      return .function(
        "substring",
        [node(.text, depth: depth), node(.int, depth: depth), node(.int, depth: depth)])
    case 4:
      return .cast(
        node(
          random.pick([.bool, .int, .real, .decimal, .moment, .date, .time, .uuid, .text]),
          depth: depth), to: "Edm.String")
    default: return leaf(.text)
    }
  }
}
