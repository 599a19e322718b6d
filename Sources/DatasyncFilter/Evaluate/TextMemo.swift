/// What text functions gave for the row that is judged, and what that has taken. Confined to one
/// thread; not Sendable.
///
/// Whoever judges one row with many filters asks all of them with the same memo, and has it
/// ``forget()`` before another row. What a filter is charged does not depend on who came before it: what
/// it finds computed costs it the same.
package final class TextMemo {
  private struct Slot {
    /// Of the term; 0: nothing is known.
    var serial: UInt64 = 0
    /// The last one that was charged for it.
    var evaluation: UInt64 = 0
    var bytes = 0
    var value = Operand.null
  }

  /// Work is counted for each filter anew, what is held for all of them together.
  package let budget: FilterBudget
  /// How often a text function was computed, since the memo was made.
  package private(set) var computations = 0
  /// What was read and made for it, and a little for each time that one was asked for.
  package private(set) var workBytes = 0
  /// What ended the evaluation at hand.
  private(set) var fault: FilterFault?
  private var evaluation: UInt64 = 0
  private var spentBytes = 0
  /// Of the texts kept for the row; above the budget, they are forgotten before the next filter.
  package private(set) var heldBytes = 0
  /// By the ids of terms, as far as they are below ``denseLimit``.
  private var slots: [Slot] = []
  private var farSlots: [Int: Slot] = [:]
  private var used: [Int] = []
  private let denseLimit: Int

  /// - Parameter isOfMany: Whether most of the terms that there are may be asked for; else what is kept
  ///   is little however many there are.
  package init(_ budget: FilterBudget = .default, isOfMany: Bool = false) {
    self.budget = budget
    denseLimit = isOfMany ? .max : 64
  }

  /// Another filter is evaluated.
  func begin() {
    if heldBytes > budget.maxHeldBytes { forget() }
    evaluation += 1
    spentBytes = 0
    fault = nil
  }

  /// Another row is judged.
  package func forget() {
    guard !used.isEmpty else { return }
    for id in used where id < slots.count { slots[id] = Slot() }
    farSlots.removeAll(keepingCapacity: true)
    used.removeAll(keepingCapacity: true)
    heldBytes = 0
  }

  /// Gives back the room of terms that are gone.
  package func shrink(to terms: TextTerms) {
    let limit = terms.idLimit
    guard slots.count > 1024, slots.count / 4 > limit else { return }
    forget()
    slots = []
    used = []
  }

  /// How many terms there is room for.
  package var capacity: Int { slots.count }

  // MARK: - Terms

  /// What the term was computed to be; nil: it is still to be computed.
  func known(_ term: TextTerm) -> Operand? {
    if fault != nil { return .null }
    workBytes &+= FilterCost.stepBytes
    guard let slot = slot(of: term) else { return nil }
    charge(term, slot)
    return fault == nil ? slot.value : .null
  }

  /// Charges the evaluation at hand for a term, and for what that was computed of, once.
  private func charge(_ term: TextTerm, _ slot: Slot) {
    guard slot.evaluation != evaluation else { return }
    if term.id < denseLimit {
      slots[term.id].evaluation = evaluation
    } else {
      farSlots[term.id]?.evaluation = evaluation
    }
    spend(slot.bytes)
    for part in term.parts {
      if let slot = self.slot(of: part) { charge(part, slot) }
    }
  }

  private func slot(of term: TextTerm) -> Slot? {
    let slot: Slot
    if term.id < denseLimit {
      guard term.id < slots.count else { return nil }
      slot = slots[term.id]
    } else {
      guard let far = farSlots[term.id] else { return nil }
      slot = far
    }
    return slot.serial == term.serial ? slot : nil
  }

  private func spend(_ bytes: Int) {
    spentBytes += bytes
    if spentBytes > budget.maxWorkBytes, fault == nil {
      fault = .work(limit: budget.maxWorkBytes)
    }
  }

  /// Whether a term may be computed of texts of so many bytes together.
  func admits(_ term: TextTerm, _ bytes: Int) -> Bool {
    guard fault == nil else { return false }
    if term.operation.textUse == .joins, bytes > budget.maxTextBytes {
      fault = .text(limit: budget.maxTextBytes)
    } else if bytes > budget.maxWorkBytes - min(spentBytes, budget.maxWorkBytes) {
      fault = .work(limit: budget.maxWorkBytes)
    }
    return fault == nil
  }

  /// Keeps what a term was computed to be.
  func keep(_ value: Operand, of term: TextTerm, reading bytes: Int) -> Operand {
    computations += 1
    let made = value.textBytes
    if made > budget.maxTextBytes {
      fault = .text(limit: budget.maxTextBytes)
      return .null
    }
    let bytes = bytes + made + FilterCost.stepBytes
    workBytes &+= bytes
    spend(bytes)
    let slot = Slot(serial: term.serial, evaluation: evaluation, bytes: bytes, value: value)
    if term.id < denseLimit {
      if term.id >= slots.count { grow(to: term.id + 1) }
      slots[term.id] = slot
    } else {
      farSlots[term.id] = slot
    }
    used.append(term.id)
    heldBytes += made
    return fault == nil ? value : .null
  }

  private func grow(to count: Int) {
    let count = max(count, min(2 * slots.count, 1 << 20))
    slots.append(contentsOf: repeatElement(Slot(), count: count - slots.count))
  }
}
