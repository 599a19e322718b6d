import Synchronization

/// Numbers for servers and sockets, by which they are asked for from outside: each is given once in the
/// process, and none is zero. Namespace.
enum SerialNumber {
  private static let last = Atomic<Int>(0)

  static func next() -> Int {
    last.add(1, ordering: .relaxed).newValue
  }
}
