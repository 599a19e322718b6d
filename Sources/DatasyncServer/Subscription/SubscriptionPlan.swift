import DatasyncAccess
import DatasyncMessages
import DatasyncModel
import NIOCore

/// A subscription as it was asked for, resolved. A value.
struct SubscriptionPlan {
  enum Start {
    case rows
    case now
    indirect case after(ResumeToken)
  }

  var view: View
  /// What its caller may see; nil: everything.
  var rights: Rights?
  /// The memberships on which it depends what that is.
  var memberships: Set<String>
  /// The sets by which the view was made.
  var sets = MembershipSets.none
  /// Of the rights and the sets, for tokens.
  var mark: ViewMark?
  /// Only until the subscription has started.
  var start: Start
  let once: Bool
  let excludeOwn: Bool
  let wantsPrevious: Bool
  /// nil: every commit on its own.
  let minInterval: TimeAmount?
  let heartbeat: TimeAmount

  /// - Throws: INVALID_ARGUMENT, NOT_FOUND, or OUT_OF_RANGE for a token of another history.
  init(_ request: SubscribeRequest, _ resolver: RequestResolver) throws(DatasyncError) {
    let context = resolver.context
    let (options, tokens) = (context.options, context.tokens)
    let table: Table? =
      if request.table.isEmpty, resolver.ownTable == nil {
        nil
      } else {
        try resolver.table(request.table, for: .read)
      }
    once = request.once
    excludeOwn = request.excludeOwn
    wantsPrevious = request.previous
    let rights = resolver.caller.rights
    self.rights = rights
    memberships = rights?.memberships(for: table, in: resolver.catalog) ?? []
    mark = rights?.mark(of: table, in: resolver.catalog, by: tokens)
    let makeView = { () throws(DatasyncError) -> View in
      guard let table else {
        return try View(
          ofEveryTable: resolver.catalog, filter: request.filter, select: request.select,
          includeDeleted: request.includeDeleted, filters: context.filters, rights: rights)
      }
      return try View(
        table: table, filter: request.filter, select: request.select,
        includeDeleted: request.includeDeleted, filters: context.filters,
        maxFilterCost: options.maxFilterCost, rights: rights)
    }
    do throws(DatasyncError) {
      view = try makeView()
      start = try Start(request.start, tokens: tokens)
      minInterval = try SubscriptionPlan.minInterval(request, options)
      heartbeat = try SubscriptionPlan.heartbeat(request, options)
    } catch {
      var faults = RequestFaults()
      faults.check(makeView)
      faults.check { () throws(DatasyncError) in try Start(request.start, tokens: tokens) }
      faults.check { () throws(DatasyncError) in
        try SubscriptionPlan.minInterval(request, options)
      }
      faults.check { () throws(DatasyncError) in
        try SubscriptionPlan.heartbeat(request, options)
      }
      throw faults.joined(to: error)
    }
  }

  private static func minInterval(
    _ request: SubscribeRequest, _ options: ServiceOptions
  ) throws(DatasyncError) -> TimeAmount? {
    let interval = try amount(request.minInterval, field: "min_interval")
    return interval == .zero ? nil : max(interval, options.minIntervalFloor)
  }

  private static func heartbeat(
    _ request: SubscribeRequest, _ options: ServiceOptions
  ) throws(DatasyncError) -> TimeAmount {
    let heartbeat = try amount(request.heartbeatInterval, field: "heartbeat_interval")
    guard heartbeat != .zero else { return options.defaultHeartbeat }
    return min(
      max(heartbeat, options.heartbeatRange.lowerBound), options.heartbeatRange.upperBound)
  }

  /// A hundred years.
  private static let maxSeconds: Int64 = 100 * 365 * 86_400

  /// - Throws: INVALID_ARGUMENT where the duration is negative.
  static func amount(
    _ duration: DurationMessage?, field: String
  ) throws(DatasyncError) -> TimeAmount {
    guard let duration else { return .zero }
    guard !duration.isNegative else {
      throw .badField(field, reason: "BAD_DURATION", "a duration cannot be negative")
    }
    // An interval that nobody sees the end of; the clock can be that much ahead of itself.
    guard duration.seconds < maxSeconds else { return .seconds(maxSeconds) }
    return .nanoseconds(duration.seconds * 1_000_000_000 + Int64(duration.nanos))
  }
}

extension SubscriptionPlan.Start {
  fileprivate init(
    _ start: SubscribeRequest.Start, tokens: TokenCoder
  ) throws(DatasyncError) {
    self =
      switch start {
      case .rows: .rows
      case .now: .now
      case .resumeToken(let text): .after(try ResumeToken(parsing: text, coder: tokens))
      }
  }
}
