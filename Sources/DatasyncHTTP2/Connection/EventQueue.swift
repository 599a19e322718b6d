/// What nghttp2's callbacks have told and nobody has been told yet, in order. A value; its memory is used
/// again and again.
struct EventQueue {
  private var waiting: [HTTP2Connection.Event] = []
  private var spare: [HTTP2Connection.Event] = []
  private(set) var isDelivering = false

  var isEmpty: Bool { waiting.isEmpty }

  @inline(__always)
  mutating func append(_ event: HTTP2Connection.Event) {
    waiting.append(event)
  }

  /// What is to be delivered now; nil: nothing, or something is being delivered. Given back by
  /// ``delivered(_:)``.
  mutating func begin() -> [HTTP2Connection.Event]? {
    guard !waiting.isEmpty, !isDelivering else { return nil }
    isDelivering = true
    swap(&waiting, &spare)
    var events: [HTTP2Connection.Event] = []
    swap(&events, &spare)
    return events
  }

  mutating func delivered(_ events: inout [HTTP2Connection.Event]) {
    events.removeAll(keepingCapacity: events.count < 4096)
    swap(&events, &spare)
    isDelivering = false
  }
}
