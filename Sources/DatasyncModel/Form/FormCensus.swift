/// Finds a column's form from its values, one after the other. A value.
///
/// Memory grows with the number of forms, not of values.
package struct FormCensus: Sendable {
  /// What the values so far say of the column's form. A value.
  package enum Result: Hashable, Sendable {
    /// The column has no values.
    case none
    /// - Parameter isMixed: Whether some value stands in another form, or is unreadable: then SQLite
    ///   cannot tell their order.
    case decided(ColumnForm, isMixed: Bool)
    /// Somebody has to say the form.
    case undecided(reason: String)
  }

  /// Values that are unreadable in whatever form.
  package private(set) var unreadableCount = 0

  private let type: ColumnType
  private let chosen: ColumnForm?
  /// The values have another form than the chosen one.
  private var differs = false
  private var isEmpty = true
  /// By form, of numbers of decimals with `.fixed(0)`.
  private var tallies: [ColumnForm: FormTally] = [:]
  private var numbers = NumberTally()

  /// - Parameter chosen: The form that was chosen, or that the column's declaration leaves no choice
  ///   of: the collation of an enum. What is to be found out then is whether all values have it.
  package init(type: ColumnType, chosen: ColumnForm? = nil) {
    self.type = type
    self.chosen = chosen
  }

  /// Counts a value; NULL says nothing.
  package mutating func add(_ stored: StoredValue) {
    guard stored != .null else { return }
    isEmpty = false
    if let chosen {
      if !differs, !FormReader.isStored(stored, as: chosen, type: type) { differs = true }
      return
    }
    if type == .timestamp, stored.isNumber {
      if !numbers.add(stored, place: tallies.count) { unreadableCount += 1 }
      return
    }
    guard let sample = FormSample(stored, type: type, form: .initial(for: type)) else {
      unreadableCount += 1
      return
    }
    let place = tallies.count + numbers.unitCount
    tallies[sample.form, default: FormTally(place: place)].add(sample)
  }

  /// The form of most values; of two as common, the one that was met first.
  package var result: Result {
    guard !isEmpty else { return .none }
    if let chosen { return .decided(chosen, isMixed: differs) }
    let ranked = rankedTallies
    guard let unit = numbers.unit else { return withoutUnit(ranked) }
    if let first = ranked.first,
      first.tally.count > numbers.count
        || first.tally.count == numbers.count && first.tally.place < numbers.place
    {
      var form = first.tally.decided(first.form)
      if case .time(var text) = form {
        text.numbers = unit
        form = .time(text)
      }
      return .decided(form, isMixed: true)
    }
    let form = numbers.form(unit)
    let isMixed = !ranked.isEmpty || unreadableCount > 0 || !numbers.isUniform(form)
    return .decided(.number(form), isMixed: isMixed)
  }

  /// Where no number tells the column's unit.
  private func withoutUnit(_ ranked: [(form: ColumnForm, tally: FormTally)]) -> Result {
    guard numbers.oddCount == 0, numbers.zeroCount == 0 || !ranked.isEmpty else {
      return .undecided(
        reason: "none of its numbers tells their unit: as seconds, milliseconds and microseconds "
          + "since 1970 and as Julian days they are not in 1980 to 2100")
    }
    guard let first = ranked.first else {
      return .decided(.initial(for: type), isMixed: true)
    }
    let form = first.tally.decided(first.form)
    let isMixed =
      ranked.count > 1 || unreadableCount > 0 || numbers.zeroCount > 0
      || !first.tally.isUniform(form)
    return .decided(form, isMixed: isMixed)
  }

  /// The form of most first; of two as common the one that was met first.
  private var rankedTallies: [(form: ColumnForm, tally: FormTally)] {
    var tallies = self.tallies
    for hasHyphens in [true, false] {
      // UUIDs without letters go with the others.
      let small = ColumnForm.uuid(.text(isUppercase: false, hasHyphens: hasHyphens))
      let capital = ColumnForm.uuid(.text(isUppercase: true, hasHyphens: hasHyphens))
      guard let smalls = tallies[small], var capitals = tallies[capital] else { continue }
      guard smalls.count - smalls.caselessCount < capitals.count else { continue }
      capitals.count += smalls.caselessCount
      tallies[capital] = capitals
      tallies[small]?.count -= smalls.caselessCount
      if smalls.count == smalls.caselessCount { tallies[small] = nil }
    }
    return tallies.map { (form: $0.key, tally: $0.value) }.sorted {
      ($1.tally.count, $0.tally.place) < ($0.tally.count, $1.tally.place)
    }
  }
}

/// The values of one form, but for the number of decimals. A value.
private struct FormTally {
  var count = 0
  /// When it was first met.
  let place: Int
  var caselessCount = 0
  private var isRegular = true
  private var byDecimals: [Int] = []
  private var endingInZero: [Int] = []

  init(place: Int) {
    self.place = place
  }

  mutating func add(_ sample: FormSample) {
    count += 1
    if sample.isCaseless { caselessCount += 1 }
    if !sample.isRegular { isRegular = false }
    guard let decimals = sample.decimals.map({ min($0, 9) }) else { return }
    if byDecimals.isEmpty {
      byDecimals = Array(repeating: 0, count: 10)
      endingInZero = byDecimals
    }
    byDecimals[decimals] += 1
    if sample.endsInZero { endingInZero[decimals] += 1 }
  }

  /// The form with its decimals: a fixed number, unless they vary.
  ///
  /// A program that writes a fixed number also writes zeros at the end, and one that writes as many
  /// as needed never does: so the exceptions to the most common number are either strays or the rule.
  func decided(_ form: ColumnForm) -> ColumnForm {
    guard let most = byDecimals.max(), let common = byDecimals.firstIndex(of: most) else {
      return form
    }
    let others = count - most
    return form.with(others == 0 || endingInZero[common] > others ? .fixed(common) : .asNeeded)
  }

  func isUniform(_ form: ColumnForm) -> Bool {
    guard isRegular else { return false }
    guard !byDecimals.isEmpty else { return true }
    if form == form.with(.asNeeded) {
      return endingInZero.allSatisfy { $0 == 0 } && byDecimals[7...].allSatisfy { $0 == 0 }
    }
    return byDecimals.contains(count)
  }
}

/// The numbers of a time column. A value.
private struct NumberTally {
  private struct Counts {
    var integers = 0
    var reals = 0
    let place: Int
    /// Whether a real number has a fraction, and whether one is none that we would write.
    var hasFraction = false
    var isRegular = true
    var all: Int { integers + reals }
  }

  private var byUnit: [TimeNumber.Unit: Counts] = [:]
  private(set) var zeroCount = 0
  /// Numbers in no unit's years.
  private(set) var oddCount = 0
  /// The forms in which one of those would not be written as it stands.
  private var oddForms: Set<TimeNumber> = []

  var unitCount: Int { byUnit.count }

  /// - Returns: Whether some unit reads it.
  mutating func add(_ stored: StoredValue, place: Int) -> Bool {
    let number: Double
    let isReal: Bool
    switch stored {
    case .integer(let value): (number, isReal) = (Double(value), false)
    case .real(let value): (number, isReal) = (value, true)
    case .null, .text, .blob: return false
    }
    if number == 0 {
      zeroCount += 1
      return true
    }
    guard let unit = TimeNumber.Unit.bySize(of: number) else {
      return addOdd(stored)
    }
    var counts = byUnit[unit] ?? Counts(place: place + byUnit.count)
    if isReal {
      counts.reals += 1
      if number != number.rounded() { counts.hasFraction = true }
      let form = TimeNumber(unit, isReal: true)
      if !FormReader.isStored(stored, as: .number(form), type: .timestamp) {
        counts.isRegular = false
      }
    } else {
      counts.integers += 1
    }
    byUnit[unit] = counts
    return true
  }

  private mutating func addOdd(_ stored: StoredValue) -> Bool {
    var isReadable = false
    for unit in TimeNumber.Unit.allCases where unit != .cocoa {
      for isReal in [false, true] {
        let form = TimeNumber(unit, isReal: isReal)
        if FormReader.isStored(stored, as: .number(form), type: .timestamp) {
          isReadable = true
        } else {
          oddForms.insert(form)
        }
      }
    }
    let finest = ColumnForm.number(TimeNumber(.microseconds))
    guard isReadable || FormReader.form(of: stored, type: .timestamp, unit: finest) != nil else {
      return false
    }
    oddCount += 1
    return true
  }

  /// The unit of most.
  var unit: TimeNumber.Unit? {
    byUnit.max { ($0.value.all, $1.value.place) < ($1.value.all, $0.value.place) }?.key
  }

  /// Of all numbers.
  var count: Int { byUnit.values.reduce(zeroCount + oddCount) { $0 + $1.all } }

  var place: Int { byUnit.values.map(\.place).min() ?? 0 }

  func form(_ unit: TimeNumber.Unit) -> TimeNumber {
    let counts = byUnit[unit] ?? Counts(place: 0)
    return TimeNumber(
      unit, isReal: unit == .julian || counts.reals > 0 && counts.reals >= counts.integers)
  }

  /// Whether all of them stand as we would write them in that form.
  func isUniform(_ form: TimeNumber) -> Bool {
    guard byUnit.count == 1, let counts = byUnit[form.unit] else { return false }
    // Zero is 1970 there, too.
    guard zeroCount == 0 || form.unit != .julian, !oddForms.contains(form) else { return false }
    return form.isReal ? counts.isRegular : !counts.hasFraction
  }
}
