/// The names of all tables' messages, none of which meets what another brings with it. A value.
///
/// - Complexity: Each name costs the same, however many there are.
struct MessageNames {
  private var taken: Set<String> = []
  /// The number to try next, of names that were wanted more than once.
  private var next: [String: Int] = [:]

  /// - Parameter known: Names once given, also to tables that are gone: they stay theirs.
  init(known: some Swift.Sequence<String> = []) {
    for message in known { taken.formUnion(ProtobufName.family(of: message)) }
  }

  /// A new name: the first of `Name`, `Name2`, `Name3` … whose family does not meet what is taken.
  mutating func name(ofTable table: String, id: Int) -> String {
    let message = ProtobufName.messageName(of: table, id: id)
    var candidate = message
    var number = next[message] ?? 1
    if number > 1 { candidate = "\(message)\(number)" }
    while true {
      let family = ProtobufName.family(of: candidate)
      number += 1
      if taken.isDisjoint(with: family) {
        taken.formUnion(family)
        next[message] = number
        return candidate
      }
      candidate = "\(message)\(number)"
    }
  }
}
