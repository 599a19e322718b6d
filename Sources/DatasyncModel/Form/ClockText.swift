/// How times of day stand in a column. A value.
package struct ClockText: Hashable, Sendable {
  /// Minutes or seconds.
  package var precision: TimeText.Precision
  /// Whether the first day of 2000 stands before it: so does Rails write a time of day.
  package var isDated: Bool

  /// - Parameter precision: Not `.date`, which would write minutes.
  package init(precision: TimeText.Precision, isDated: Bool = false) {
    self.precision = precision
    self.isDated = isDated
  }

  /// `HH:MM:SS` with as many decimals as are needed.
  package static let plain = ClockText(precision: .seconds(.asNeeded))

  private static let date: StaticString = "2000-01-01 "

  /// A time of day as somebody has written it, and whether with the date.
  static func scan(_ bytes: UnsafeRawBufferPointer) -> (scan: TimeScan, isDated: Bool)? {
    if let scan = TimeScan(timeOfDay: bytes), scan.decimals <= 9 { return (scan, false) }
    let count = date.utf8CodeUnitCount
    guard bytes.count > count, bytes[..<count].elementsEqual(date.description.utf8) else {
      return nil
    }
    let rest = UnsafeRawBufferPointer(rebasing: bytes[count...])
    guard let scan = TimeScan(timeOfDay: rest), scan.decimals <= 9 else { return nil }
    return (scan, true)
  }

  /// - Parameter timeOfDay: Microseconds since midnight.
  func text(timeOfDay: Int64) -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(32)
    if isDated { bytes.append(contentsOf: ClockText.date.description.utf8) }
    bytes.append(time: CivilTime(timestamp: timeOfDay), precision)
    return bytes
  }
}
