package import NIOCore

/// A limit that an operator can set by its name, which is also its name in errors, in the log and in
/// the metric `datasync_limit_reached_total`. A value.
package struct LimitSetting<Options>: Sendable {
  package let name: String
  /// What is limited, in a few words, for the operator's list.
  package let meaning: String
  /// How values are parsed and shown hangs on it.
  package let unit: LimitUnit
  /// In ``unit``; of a time in nanoseconds.
  package let range: ClosedRange<Int>
  /// Nil: none.
  package let get: @Sendable (Options) -> Int?
  /// The range is not checked here. Nil counts for ``LimitUnit/optionalTime`` alone.
  package let set: @Sendable (inout Options, Int?) -> Void

  /// A whole number: a count, or with ``LimitUnit/perSecond`` a rate.
  package static func count(
    _ name: String, _ path: any WritableKeyPath<Options, Int> & Sendable,
    _ range: ClosedRange<Int>, _ meaning: String, unit: LimitUnit = .count
  ) -> LimitSetting {
    LimitSetting(
      name: name, meaning: meaning, unit: unit, range: range, get: { $0[keyPath: path] },
      set: { options, value in
        if let value { options[keyPath: path] = value }
      })
  }

  /// A number of bytes, which may be written in KiB, MiB and GiB.
  package static func bytes(
    _ name: String, _ path: any WritableKeyPath<Options, Int> & Sendable,
    _ range: ClosedRange<Int>, _ meaning: String
  ) -> LimitSetting {
    count(name, path, range, meaning, unit: .bytes)
  }

  /// A time that there always is: from a millisecond to a year, unless the range says otherwise.
  package static func time(
    _ name: String, _ path: any WritableKeyPath<Options, TimeAmount> & Sendable,
    _ meaning: String, in range: ClosedRange<TimeAmount> = .milliseconds(1)...(.hours(24 * 365))
  ) -> LimitSetting {
    LimitSetting(
      name: name, meaning: meaning, unit: .time, range: nanoseconds(range),
      get: { Int($0[keyPath: path].nanoseconds) },
      set: { options, value in
        if let value { options[keyPath: path] = .nanoseconds(Int64(value)) }
      })
  }

  /// A time that may be `none`, which is nil.
  package static func time(
    _ name: String, _ path: any WritableKeyPath<Options, TimeAmount?> & Sendable,
    _ meaning: String, in range: ClosedRange<TimeAmount> = .milliseconds(1)...(.hours(24 * 365))
  ) -> LimitSetting {
    LimitSetting(
      name: name, meaning: meaning, unit: .optionalTime, range: nanoseconds(range),
      get: { $0[keyPath: path].map { Int($0.nanoseconds) } },
      set: { options, value in options[keyPath: path] = value.map { .nanoseconds(Int64($0)) } })
  }

  private static func nanoseconds(_ range: ClosedRange<TimeAmount>) -> ClosedRange<Int> {
    Int(range.lowerBound.nanoseconds)...Int(range.upperBound.nanoseconds)
  }

  /// The same limit, of options that hold these.
  package func within<Whole>(
    _ path: any WritableKeyPath<Whole, Options> & Sendable
  ) -> LimitSetting<Whole> {
    LimitSetting<Whole>(
      name: name, meaning: meaning, unit: unit, range: range,
      get: { [get] in get($0[keyPath: path]) },
      set: { [set] in set(&$0[keyPath: path], $1) })
  }
}

/// What the value of a limit counts. A value.
package enum LimitUnit: Sendable {
  case count, bytes, perSecond
  /// Kept in nanoseconds.
  case time
  /// A time that may be `none`.
  case optionalTime
}
