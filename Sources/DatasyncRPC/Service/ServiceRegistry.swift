import Synchronization

/// The services that a server offers; replaced as a whole when they change. Sendable.
package final class ServiceRegistry: Sendable {
  /// A method with what a call of it needs. Immutable.
  final class Route: Sendable {
    let path: String
    let method: Method

    init(path: String, method: Method) {
      self.path = path
      self.method = method
    }
  }

  private struct Table: Sendable {
    var routes: [String: Route] = [:]
    var serviceNames: Set<String> = []

    init(_ services: [Service]) {
      for service in services {
        serviceNames.insert(service.name)
        for method in service.methods {
          let path = "/\(service.name)/\(method.name)"
          routes[path] = Route(path: path, method: method)
        }
      }
    }
  }

  private let table: Mutex<Table>
  private let replacements = Atomic<Int>(0)

  /// Nothing is checked: of two methods with one path the last is called.
  package init(_ services: [Service]) {
    table = Mutex(Table(services))
  }

  /// Calls that run go on; new ones find the new services.
  package func replace(_ services: [Service]) {
    let new = Table(services)
    table.withLock { $0 = new }
    replacements.add(1, ordering: .releasing)
  }

  /// Rises when the services are replaced: routes found before are of no use then.
  var generation: Int { replacements.load(ordering: .acquiring) }

  /// - Parameter path: `/package.Service/Method`.
  /// - Returns: Nil: there is none.
  package func method(path: String) -> Method? {
    route(path: path)?.method
  }

  func route(path: String) -> Route? {
    table.withLock { $0.routes[path] }
  }

  func hasService(_ name: String) -> Bool {
    table.withLock { $0.serviceNames.contains(name) }
  }

  /// In order.
  package var serviceNames: [String] {
    table.withLock { $0.serviceNames }.sorted()
  }
}
