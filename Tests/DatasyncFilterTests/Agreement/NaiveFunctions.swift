/// The functions of the naive interpreter.
enum NaiveFunctions {
  static func call(_ name: String, _ arguments: [NaiveValue]) -> NaiveValue {
    if arguments.contains(where: \.isNull) { return .null }
    switch (name, arguments.count) {
    case ("year", _), ("month", _), ("day", _), ("hour", _), ("minute", _), ("second", _),
      ("date", _), ("time", _):
      return part(name, arguments[0])
    case ("floor", _), ("ceiling", _), ("round", _):
      return round(name, arguments[0])
    default:
      return text(name, arguments)
    }
  }

  // MARK: - Text

  private static func text(_ name: String, _ arguments: [NaiveValue]) -> NaiveValue {
    guard case .text(let text) = arguments[0] else { return .null }
    var second: [UInt32] = []
    if arguments.count > 1, case .text(let other) = arguments[1] { second = other }
    switch name {
    case "contains": return .bool(index(of: second, in: text) >= 0)
    case "startswith": return .bool(text.starts(with: second))
    case "endswith": return .bool(text.reversed().starts(with: second.reversed()))
    case "indexof": return .int(Int64(index(of: second, in: text)))
    case "length": return .int(Int64(text.count))
    case "concat": return .text(text + second)
    case "tolower": return .text(text.flatMap { mapped($0) { $0.properties.lowercaseMapping } })
    case "toupper": return .text(text.flatMap { mapped($0) { $0.properties.uppercaseMapping } })
    case "trim":
      let start = text.drop { isSpace($0) }
      return .text(Array(start.reversed().drop { isSpace($0) }.reversed()))
    default: return substring(text, Array(arguments.dropFirst()))
    }
  }

  private static func index(of part: [UInt32], in text: [UInt32]) -> Int {
    for start in 0...text.count where text[start...].starts(with: part) { return start }
    return -1
  }

  private static func mapped(
    _ scalar: UInt32, _ map: (Unicode.Scalar) -> String
  ) -> [UInt32] {
    Unicode.Scalar(scalar).map { map($0).unicodeScalars.map(\.value) } ?? []
  }

  private static func isSpace(_ scalar: UInt32) -> Bool {
    (0x9...0xD).contains(scalar) || (0x2000...0x200A).contains(scalar)
      || [0x20, 0x85, 0xA0, 0x1680, 0x2028, 0x2029, 0x202F, 0x205F, 0x3000].contains(scalar)
  }

  private static func substring(_ text: [UInt32], _ arguments: [NaiveValue]) -> NaiveValue {
    guard case .int(let start) = arguments[0] else { return .null }
    var count = Int64.max
    if arguments.count > 1, case .int(let value) = arguments[1] { count = value }
    var result: [UInt32] = []
    for (index, scalar) in text.enumerated() {
      if Int64(index) >= start, Int64(result.count) < count { result.append(scalar) }
    }
    return .text(result)
  }

  // MARK: - Numbers

  private static func round(_ name: String, _ value: NaiveValue) -> NaiveValue {
    switch value {
    case .int: return value
    case .real(let value):
      let below = value.rounded(.down)
      switch name {
      case "floor": return .real(below)
      case "ceiling": return .real(below == value ? value : below + 1)
      default:
        // Halves away from zero.
        let rest = value - below
        return .real(rest > 0.5 || (rest == 0.5 && value > 0) ? below + 1 : below)
      }
    case .decimal(let value):
      return .decimal(
        value.rounded { isNegative, isHalf in
          switch name {
          case "floor": isNegative
          case "ceiling": !isNegative
          default: isHalf
          }
        })
    default: return .null
    }
  }

  // MARK: - Dates and times

  private static func part(_ name: String, _ value: NaiveValue) -> NaiveValue {
    var (year, month, day, time): (Int, Int, Int, Int64) = (0, 0, 0, 0)
    switch value {
    case .moment(let moment): (year, month, day, time) = NaiveValue.split(moment)
    case .date(let a, let b, let c): (year, month, day) = (a, b, c)
    case .time(let a): time = a
    default: return .null
    }
    switch name {
    case "year": return .int(Int64(year))
    case "month": return .int(Int64(month))
    case "day": return .int(Int64(day))
    case "hour": return .int(time / 3_600_000_000)
    case "minute": return .int(time / 60_000_000 % 60)
    case "second": return .int(time / 1_000_000 % 60)
    case "date": return .date(year, month, day)
    default: return .time(time)
    }
  }

  // MARK: - Casts

  static func cast(_ value: NaiveValue, to type: String) -> NaiveValue {
    switch (value, type) {
    case (_, "Edm.String"): return string(value)
    case (.text(let scalars), _):
      return parse(String(String.UnicodeScalarView(scalars.compactMap(Unicode.Scalar.init))), type)
    case (.int(let value), "Edm.Byte"): return (0...255).contains(value) ? .int(value) : .null
    case (.int(let value), "Edm.Int16"): return Int16(exactly: value) == nil ? .null : .int(value)
    case (.int(let value), "Edm.Double"): return .real(Double(value))
    case (.int(let value), "Edm.Single"): return single(Double(value))
    case (.int(let value), "Edm.Decimal"): return .decimal(NaiveDecimal(value))
    case (.real(let value), "Edm.Int64"):
      return abs(value) < 1e20 ? NaiveArithmetic.fit(Int128(value)) : .null
    case (.real(let value), "Edm.Single"): return single(value)
    case (.real(let value), "Edm.Decimal"):
      return NaiveDecimal(value.description).map { .decimal($0) } ?? .null
    case (.decimal(let value), "Edm.Int64"):
      let whole = value.rounded { _, _ in false }
      return Int64(whole.text).map { .int($0) } ?? .null
    case (.decimal(let value), "Edm.Double"):
      let real = NaiveArithmetic.real(value)
      return real.isFinite ? .real(real) : .null
    case (.moment(let moment), "Edm.Date"):
      let (year, month, day, _) = NaiveValue.split(moment)
      return .date(year, month, day)
    case (.moment(let moment), "Edm.TimeOfDay"): return .time(NaiveValue.split(moment).time)
    case (.date(let a, let b, let c), "Edm.DateTimeOffset"):
      return .moment(Int64(NaiveValue.days(a, b, c)) * 86_400_000_000)
    default: return value
    }
  }

  private static func single(_ value: Double) -> NaiveValue {
    Float(value).isFinite ? .real(Double(Float(value))) : .null
  }

  private static func string(_ value: NaiveValue) -> NaiveValue {
    switch value {
    case .bool(let value): return .text(value ? "true" : "false")
    case .int(let value): return .text("\(value)")
    case .real(let value):
      if value == 0 { return .text("0") }
      let isCommon = abs(value) >= 1e-5 && abs(value) < 1e21
      return .text(isCommon ? NaiveDecimal(value.description)?.text ?? "" : value.description)
    case .decimal(let value): return .text(value.text)
    case .moment(let value): return .text(NaiveValue.momentText(value))
    case .date(let a, let b, let c): return .text(NaiveValue.dateText(a, b, c))
    case .time(let value): return .text(NaiveValue.timeText(value))
    case .null, .text, .bytes, .choice: return value
    }
  }

  /// Texts of numbers, booleans, dates and times in their plain forms.
  private static func parse(_ text: String, _ type: String) -> NaiveValue {
    switch type {
    case "Edm.Boolean": return ["true": .bool(true), "false": .bool(false)][text] ?? .null
    case "Edm.Int64":
      let digits = text.hasPrefix("-") ? text.dropFirst() : text[...]
      let isPlain = !digits.isEmpty && digits.allSatisfy { ("0"..."9").contains($0) }
      return isPlain ? Int64(text).map { .int($0) } ?? .null : .null
    case "Edm.Decimal": return NaiveDecimal(text).map { .decimal($0) } ?? .null
    case "Edm.Double":
      guard NaiveDecimal(text, maxDigits: .max) != nil, let value = Double(text), value.isFinite
      else { return .null }
      return .real(value)
    case "Edm.Date":
      let parts = text.split(separator: "-", omittingEmptySubsequences: false)
      guard parts.map(\.count) == [4, 2, 2], text.unicodeScalars.allSatisfy({ $0.isASCII }),
        let year = Int(parts[0]), let month = Int(parts[1]), let day = Int(parts[2]),
        year > 0, (1...12).contains(month), (1...NaiveValue.length(month, year)).contains(day)
      else { return .null }
      return .date(year, month, day)
    default: return .null
    }
  }
}
