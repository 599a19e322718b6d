/// What a filter may cost for one row, estimated when it is parsed. A value.
///
/// In bytes that its text functions read and make, a field's text supposed to be of
/// ``supposedTextBytes``; each function and operator counts ``stepBytes`` more. What stands in a filter
/// several times is computed once for a row and counts once.
package struct FilterCost: Sendable {
  /// Of a field of text.
  static let supposedTextBytes = 1024
  /// Of a value that is made as text of something else.
  static let supposedValueBytes = 32
  static let stepBytes = 16

  /// In bytes as said above; held against `max_filter_cost` or `max_query_filter_cost`.
  package private(set) var estimate = 0
  /// By the name of the function.
  private var byFunction: [String: (count: Int, cost: Int)] = [:]

  mutating func addStep() {
    estimate += FilterCost.stepBytes
  }

  mutating func add(_ term: TextTerm) {
    estimate += term.cost
    let (count, cost) = byFunction[term.operation.word] ?? (0, 0)
    byFunction[term.operation.word] = (count + 1, cost + term.cost)
  }

  /// The function that takes most, and how often it stands there, for people; nil: there is none.
  package var dearest: String? {
    guard
      let (name, (count, cost)) = byFunction.max(by: {
        ($0.value.cost, $0.key) < ($1.value.cost, $1.key)
      })
    else { return nil }
    return "\(count) different calls of \(name) take \(cost) of it"
  }
}
