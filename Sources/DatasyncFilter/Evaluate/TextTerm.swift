import DatasyncModel
import Synchronization

/// A text function and what it is computed of, wherever it stands: equal ones in several filters of
/// one ``TextTerms`` are the same. Immutable, shared by reference.
final class TextTerm: Sendable {
  /// Small: as many are in use as there are terms.
  let id: Int
  /// Never used again.
  let serial: UInt64
  let operation: Operation
  /// The terms that it is computed of.
  let parts: [TextTerm]
  /// See ``FilterCost``; without its parts.
  let cost: Int
  /// Supposed; 0 where it makes no text.
  let resultBytes: Int
  private let key: TextTermKey?
  private let terms: TextTerms

  fileprivate init(
    id: Int, serial: UInt64, _ draft: TextTermDraft, key: TextTermKey?, terms: TextTerms
  ) {
    self.id = id
    self.serial = serial
    operation = draft.operation
    parts = draft.parts
    cost = draft.cost
    resultBytes = draft.resultBytes
    self.key = key
    self.terms = terms
  }

  deinit {
    terms.remove(id: id, serial: serial, key: key)
  }
}

/// A term that is about to be made. A value.
struct TextTermDraft {
  let operation: Operation
  let parts: [TextTerm]
  let cost: Int
  let resultBytes: Int
}

/// What makes two terms the same. A value.
struct TextTermKey: Hashable, Sendable {
  indirect enum Argument: Hashable, Sendable {
    /// Texts by their bytes: Swift takes more than those for equal.
    case text([UInt8])
    case literal(Operand)
    case column(Int, OperandKind)
    case now
    case term(UInt64)
    case call(String, [Argument])
  }

  let operation: String
  let arguments: [Argument]
}

/// The terms of filters that may be judged by one ``TextMemo``. Sendable: a lock guards it; it keeps
/// none alive.
package final class TextTerms: Sendable {
  fileprivate struct Entry: Sendable {
    weak var term: TextTerm?
    let serial: UInt64
  }

  fileprivate struct State: Sendable {
    var entries: [TextTermKey: Entry] = [:]
    var isUsed: [Bool] = []
    /// May name places that ``isUsed`` has no more.
    var free: [Int] = []
    var serial: UInt64 = 0
    var count = 0
  }

  private let state = Mutex(State())

  package init() {}

  /// How many are in use.
  package var count: Int { state.withLock { $0.count } }
  /// Above every id in use.
  var idLimit: Int { state.withLock { $0.isUsed.count } }

  /// - Parameter key: nil: the term is like no other.
  func term(_ draft: TextTermDraft, key: TextTermKey?) -> TextTerm {
    state.withLock { state in
      if let key, let entry = state.entries[key], let term = entry.term { return term }
      state.serial += 1
      state.count += 1
      let term = TextTerm(
        id: state.takeID(), serial: state.serial, draft, key: key, terms: self)
      if let key { state.entries[key] = Entry(term: term, serial: state.serial) }
      return term
    }
  }

  fileprivate func remove(id: Int, serial: UInt64, key: TextTermKey?) {
    state.withLock { state in
      // Another may have taken its place.
      if let key, let entry = state.entries[key], entry.serial == serial {
        state.entries[key] = nil
      }
      state.count -= 1
      state.give(id)
    }
  }
}

extension TextTerms.State {
  fileprivate mutating func takeID() -> Int {
    while let id = free.popLast() {
      guard id < isUsed.count, !isUsed[id] else { continue }
      isUsed[id] = true
      return id
    }
    isUsed.append(true)
    return isUsed.count - 1
  }

  fileprivate mutating func give(_ id: Int) {
    isUsed[id] = false
    free.append(id)
    while isUsed.last == false { isUsed.removeLast() }
    if isUsed.isEmpty { free = [] }
  }
}
