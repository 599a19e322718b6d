extension ColumnForm {
  /// What is kept in our tables, and what `--form` says; ``init(parsing:)`` reads it.
  package var text: String {
    switch self {
    case .declared: "declared"
    case .number(let number): number.text
    case .time(let text): text.precision == .date && text == .date ? "date" : text.name
    case .clock(let text): "\(text.isDated ? "dated " : "")time \(text.precision.text)"
    case .flag(let form): form.rawValue
    case .uuid(.blob): "uuid blob16"
    case .uuid(.text(let isUppercase, let hasHyphens)):
      "uuid\(isUppercase ? " upper" : "")\(hasHyphens ? "" : " no-hyphens")"
    case .decimal(let form): form == .text ? "decimal text" : "decimal real"
    case .choice(let collation): "enum \(collation.rawValue)"
    }
  }

  /// A form by its name.
  ///
  /// Parts of `iso8601`, `time` and `uuid` may be left out: they are as in a table made for us.
  package init?(parsing text: String) {
    let words = text.split(separator: " ").map(String.init)
    if let flag = FlagForm(rawValue: text) {
      self = .flag(flag)
    } else if let number = TimeNumber(words) {
      self = .number(number)
    } else if let form = ColumnForm(words: words) {
      self = form
    } else {
      return nil
    }
  }

  private init?(words: [String]) {
    switch (words.first, Array(words.dropFirst())) {
    case ("declared", []): self = .declared
    case ("date", []): self = .time(.date)
    case ("decimal", ["text"]): self = .decimal(.text)
    case ("decimal", ["real"]): self = .decimal(.real)
    case ("uuid", ["blob16"]): self = .uuid(.blob)
    case ("uuid", let rest):
      guard [[], ["upper"], ["no-hyphens"], ["upper", "no-hyphens"]].contains(rest) else {
        return nil
      }
      self = .uuid(
        .text(isUppercase: rest.contains("upper"), hasHyphens: !rest.contains("no-hyphens")))
    case ("enum", let rest):
      guard rest.count == 1, let collation = EnumCollation(rawValue: rest[0]) else { return nil }
      self = .choice(collation)
    case ("iso8601", let rest):
      guard let text = TimeText(parts: rest) else { return nil }
      self = .time(text)
    case ("time", let rest):
      guard let clock = ClockText(parts: rest, isDated: false) else { return nil }
      self = .clock(clock)
    case ("dated", let rest):
      guard rest.first == "time" else { return nil }
      guard let clock = ClockText(parts: Array(rest.dropFirst()), isDated: true) else { return nil }
      self = .clock(clock)
    default: return nil
    }
  }

  /// As a person would say it, in a plan.
  package var description: String {
    switch self {
    case .declared: "as declared"
    case .number(let number): number.description
    case .time(let text): text.description
    case .clock(let text): text.isDated ? "text, a time on 2000-01-01" : "text, a time of day"
    case .flag(let form): form == .integer ? "0 or 1" : "text, \(form.rawValue)"
    case .uuid(.blob): "a UUID in 16 bytes"
    case .uuid(.text(let isUppercase, let hasHyphens)):
      "text, a UUID\(isUppercase ? " in capitals" : "")\(hasHyphens ? "" : " without hyphens")"
    case .decimal(let form): form == .text ? "text, a decimal" : "a number"
    case .choice: "text, as declared"
    }
  }
}

extension TimeNumber {
  /// `seconds`, `real seconds`, `seconds by-size`.
  fileprivate var text: String {
    let isPlain = isReal == unit.isUsuallyReal
    let storage = isPlain ? "" : isReal ? "real " : "integer "
    return "\(storage)\(unit.rawValue)\(isChosen ? "" : " by-size")"
  }

  fileprivate init?(_ words: [String]) {
    var words = words[...]
    let isChosen = words.last != "by-size"
    if !isChosen { words.removeLast() }
    guard let name = words.popLast(), let unit = Unit(rawValue: name), words.count <= 1 else {
      return nil
    }
    switch words.first {
    case nil: self.init(unit, isReal: unit.isUsuallyReal, isChosen: isChosen)
    case "real": self.init(unit, isReal: true, isChosen: isChosen)
    case "integer" where unit != .julian: self.init(unit, isChosen: isChosen)
    default: return nil
    }
  }

  fileprivate var description: String {
    let counted =
      switch unit {
      case .seconds, .milliseconds, .microseconds: "\(unit.rawValue) since 1970"
      case .julian: "Julian days"
      case .cocoa: "seconds since 2001"
      }
    return isReal == unit.isUsuallyReal ? counted : "\(counted), \(isReal ? "real" : "whole")"
  }
}

extension TimeNumber.Unit {
  fileprivate var isUsuallyReal: Bool { self == .julian || self == .cocoa }
}

extension TimeText.Precision {
  /// `minutes`, `decimals=3`, `decimals=needed`.
  fileprivate var text: String {
    switch self {
    case .date: "date"
    case .minutes: "minutes"
    case .seconds(.fixed(let count)): "decimals=\(count)"
    case .seconds(.asNeeded): "decimals=needed"
    }
  }

  fileprivate init?(text: String) {
    switch text {
    case "date": self = .date
    case "minutes": self = .minutes
    case "decimals=needed": self = .seconds(.asNeeded)
    default:
      guard text.hasPrefix("decimals="), text.utf8.count == 10 else { return nil }
      guard let count = text.last?.wholeNumberValue, 0...9 ~= count else { return nil }
      self = .seconds(.fixed(count))
    }
  }
}

extension ClockText {
  fileprivate init?(parts: [String], isDated: Bool) {
    guard let text = parts.first else {
      self = ClockText(precision: .seconds(.asNeeded), isDated: isDated)
      return
    }
    guard parts.count == 1, let precision = TimeText.Precision(text: text), precision != .date
    else { return nil }
    self = ClockText(precision: precision, isDated: isDated)
  }
}

extension TimeText {
  /// `iso8601 sep=space offset=+00:00 decimals=3`; spaces of the offset are underscores.
  fileprivate var name: String {
    let separator =
      switch self.separator {
      case .capital: "T"
      case .small: "t"
      case .space: "space"
      }
    var parts = ["iso8601", "sep=\(separator)", "offset=\(offsetName)", precision.text]
    if let numbers { parts.append("numbers=\(numbers.rawValue)") }
    return parts.joined(separator: " ")
  }

  private var offsetName: String {
    guard offset != .none else { return "none" }
    let epoch = TimeText(separator: .capital, precision: .minutes, offset: offset)
    let written = epoch.text(date: CivilTime(year: 2000, month: 1, day: 1)).dropFirst(16)
    return String(decoding: written.map { $0 == 0x20 ? 0x5F : $0 }, as: UTF8.self)
  }

  private static func offset(named name: String) -> Offset? {
    if name == "none" { return Offset.none }
    let written = name.utf8.map { $0 == 0x5F ? 0x20 : $0 }
    let bytes = Array("2000-01-01T00:00".utf8) + written
    return bytes.withUnsafeBytes { bytes in
      guard let scan = TimeScan(bytes), scan.isRegular, !scan.hasSeconds else { return nil }
      return scan.offset == .none ? nil : scan.offset
    }
  }

  fileprivate init?(parts: [String]) {
    self.init(separator: .capital, precision: .seconds(.asNeeded), offset: .capitalZ)
    for part in parts {
      let words = part.split(separator: "=", maxSplits: 1).map(String.init)
      switch (words.first, words.count) {
      case ("sep", 2):
        guard let separator = ["T": .capital, "t": .small, "space": .space][words[1]] as Separator?
        else { return nil }
        self.separator = separator
      case ("offset", 2):
        guard let offset = TimeText.offset(named: words[1]) else { return nil }
        self.offset = offset
      case ("numbers", 2):
        guard let unit = TimeNumber.Unit(rawValue: words[1]) else { return nil }
        numbers = unit
      default:
        guard let precision = Precision(text: part) else { return nil }
        self.precision = precision
      }
    }
  }

  fileprivate var description: String {
    if precision == .date { return "text, a date" }
    switch offset {
    case .none: return "text, ISO 8601 without offset"
    case .capitalZ, .smallZ: return "text, ISO 8601 with Z"
    case .name: return "text, with UTC"
    case .numeric(.go, _): return "text, as Go prints times"
    case .numeric: return "text, ISO 8601 with offset"
    }
  }
}
