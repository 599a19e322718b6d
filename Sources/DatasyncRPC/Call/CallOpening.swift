/// What a call begins with: calls of one connection whose heads are the same share it. Immutable.
final class CallOpening: Sendable {
  let head: RequestHead
  let route: ServiceRegistry.Route

  init(head: RequestHead, route: ServiceRegistry.Route) {
    self.head = head
    self.route = route
  }
}
