/// How a column's values are written in the database of its owner, who has other programs that read
/// them. A value.
///
/// What is read may stand in any form; this is the one in which we write.
package enum ColumnForm: Hashable, Sendable {
  /// As the column's type says: there is one form only.
  case declared
  /// Moments, as numbers.
  case number(TimeNumber)
  /// Moments or dates, as text.
  case time(TimeText)
  /// Times of day.
  case clock(ClockText)
  case flag(FlagForm)
  case uuid(UUIDForm)
  case decimal(DecimalForm)
  /// One of the declared values, as it is declared; what is read compares as the column does.
  case choice(EnumCollation)

  /// How decimals stand in a column. A value.
  package enum DecimalForm: Hashable, Sendable {
    case text
    /// What SQLite's numeric affinity makes of it.
    case real
  }

  /// The form of the columns in a table made for us, and of an empty one of which nothing else is
  /// known.
  package static func initial(for type: ColumnType) -> ColumnForm {
    switch type {
    case .bool: .flag(.integer)
    case .timestamp: .number(TimeNumber(.microseconds, isChosen: true))
    case .date: .time(.date)
    case .timeOfDay: .clock(.plain)
    case .decimal(let asWritten): .decimal(asWritten ? .text : .real)
    case .uuid: .uuid(.plain)
    case .enumeration: .choice(.binary)
    case .int64, .double, .string, .bytes, .json: .declared
    }
  }

  /// Whether SQLite's order of the stored values, by BINARY, is that of what clients read, and equal
  /// values are stored equal: then an index serves, while all values are in this form.
  package var sortsAsStored: Bool {
    switch self {
    case .declared, .number, .clock, .flag, .uuid, .decimal(.real): true
    case .time(let text): text.sorts
    // As numbers, and in the order of declaration.
    case .decimal(.text), .choice: false
    }
  }

  /// The type of a column that is said to have this form, whatever it is declared; nil: the declared
  /// one.
  package var impliedType: ColumnType? {
    switch self {
    case .declared, .choice: nil
    case .number: .timestamp
    case .time(let text): text.precision == .date ? .date : .timestamp
    case .clock: .timeOfDay
    case .flag: .bool
    case .uuid: .uuid
    case .decimal(let form): .decimal(asWritten: form == .text)
    }
  }

  /// Whether a column of that type can have it.
  package func fits(_ type: ColumnType) -> Bool {
    switch (self, type) {
    case (.number, .timestamp), (.time, .timestamp), (.time, .date), (.clock, .timeOfDay),
      (.flag, .bool), (.uuid, .uuid), (.decimal, .decimal), (.choice, .enumeration):
      true
    case (.declared, _): ColumnForm.initial(for: type) == .declared
    default: false
    }
  }
}
