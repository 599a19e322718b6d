/// Where a subscription's events go. Loop-bound.
protocol EventSink: AnyObject {
  /// Whether more may be sent; once false, ``Subscription/drained()`` must be called later.
  var isWritable: Bool { get }
  /// Whether events take the form of a typed service.
  var isTyped: Bool { get }

  func send(change: [UInt8], own: Bool, more: Bool, for requestID: UInt64)
  func send(checkpoint: [UInt8], for requestID: UInt64)
}
