package import DatasyncHTTP2

/// What a server says to requests that are no calls: a path, the methods that it has, an answer. A value.
package struct RouteTable: Sendable {
  private struct Route: Sendable {
    /// Nil: whatever is asked with. Who may GET may ask for the head alone.
    let methods: [String]?
    let answer: HTTPAnswer
  }

  private var routes: [String: Route] = [:]

  /// Knows no path.
  package init() {}

  /// - Parameters:
  ///   - path: Without a query, from the slash on; one that is there is replaced.
  ///   - methods: In capitals; nil: every one.
  package mutating func add(_ path: String, methods: [String]? = nil, answer: HTTPAnswer) {
    routes[path] = Route(methods: methods, answer: answer)
  }

  /// - Parameter target: The path, with a query or without.
  /// - Returns: Nil: there is no such path; with the wrong method, the answer that says so.
  package func answer(method: String, target: String) -> HTTPAnswer? {
    guard let route = routes[String(target.prefix { $0 != "?" })] else { return nil }
    guard let methods = route.methods, !methods.contains(method == "HEAD" ? "GET" : method) else {
      return route.answer
    }
    let allowed = methods.flatMap { $0 == "GET" ? ["GET", "HEAD"] : [$0] }
    var refusal = HTTPAnswer(
      status: 405, body: "\(method) is not for this path: \(allowed.joined(separator: ", "))\n")
    refusal.allowedMethods = allowed
    return refusal
  }
}
