import DatasyncRPC
import NIOCore

/// A call that lives on, and whose caller may be another, or nobody, once the access file has changed.
/// Loop-bound.
protocol CredentialHolder: AnyObject {
  /// Judges its credentials anew, and what they show.
  func accessChanged()
}

/// The calls of a loop that live on with credentials; as many as there are such calls. Loop-bound.
final class CredentialHolders {
  private var holders: [ObjectIdentifier: any CredentialHolder] = [:]
  /// Those that are still to be judged.
  private var waiting: [any CredentialHolder] = []
  private var isAtWork = false
  private let turns: NIOLoopBound<TurnQueue>

  /// - Parameter turns: A signature takes a while, and there may be thousands.
  init(turns: NIOLoopBound<TurnQueue>) {
    self.turns = turns
  }

  func insert(_ holder: any CredentialHolder) {
    holders[ObjectIdentifier(holder)] = holder
  }

  func remove(_ holder: any CredentialHolder) {
    holders[ObjectIdentifier(holder)] = nil
  }

  func accessChanged() {
    // Whoever has not been judged by the files before is judged by these alone.
    waiting = Array(holders.values)
    if !isAtWork { judgeNext() }
  }

  private func judgeNext() {
    isAtWork = !waiting.isEmpty
    guard let holder = waiting.popLast() else { return }
    turns.value.append { [self] in
      holder.accessChanged()
      judgeNext()
    }
  }
}
