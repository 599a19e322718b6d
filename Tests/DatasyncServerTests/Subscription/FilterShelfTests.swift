import DatasyncModel
import Testing

@testable import DatasyncServer

@Suite struct FilterShelfTests {
  private func view(
    _ filter: String, _ shelf: FilterShelf, select: [String] = []
  ) throws -> View {
    try View(
      table: Fixture.notes, filter: filter, select: select, includeDeleted: false, filters: shelf)
  }

  private func shared(_ view: View) -> SharedFilter? {
    if case .filter(let shared) = view.condition { return shared }
    return nil
  }

  @Test func `equal filters are kept and counted once`() throws {
    let shelf = FilterShelf(maxBytes: .max)
    let text = "contains(title, 'a') or stars gt 3"
    let views = try (0..<100).map { _ in try view(text, shelf) }
    let first = try #require(shared(views[0]))
    #expect(views.allSatisfy { shared($0) === first })
    #expect(shelf.heldBytes == views[0].condition.byteCount)
    #expect(shelf.heldBytes > 1000)
    #expect(shelf.termCount == 1)
  }

  @Test func `what is gone counts no more`() throws {
    let shelf = FilterShelf(maxBytes: .max)
    for round in 0..<3 {
      let views = try (0..<10).flatMap { number in
        [
          try view("stars gt \(number) or contains(title, '\(round)')", shelf),
          try view("title eq 'u\(number)'", shelf), try view("", shelf),
        ]
      }
      #expect(views.count == 30)
      #expect(shelf.heldBytes > 10 * 1280)
    }
    #expect(shelf.heldBytes == 0)
    #expect(shelf.termCount == 0)
  }

  @Test func `a plain equality counts for each that has it`() throws {
    let shelf = FilterShelf(maxBytes: .max)
    let one = try view("title eq 'u1'", shelf)
    let once = shelf.heldBytes
    let two = try view("title eq 'u1'", shelf)
    #expect(once > 0 && shelf.heldBytes == 2 * once)
    #expect(one.condition.text == two.condition.text)
  }

  @Test func `beyond the bound a filter is refused, one that is there is not`() throws {
    let shelf = FilterShelf(maxBytes: 5000)
    let kept = try [
      view("stars gt 1 or title eq 'a'", shelf), view("stars gt 2 or title eq 'a'", shelf),
    ]
    for filter in ["stars gt 3 or title eq 'a'", "stars gt 4 or title eq 'a'"] {
      let error = #expect(throws: DatasyncError.self) { try view(filter, shelf) }
      #expect(error?.reason == "MAX_FILTER_BYTES")
      #expect(error?.code == .resourceExhausted)
      #expect(error?.metadata["limit"] == "max_filter_bytes")
    }
    let held = shelf.heldBytes
    _ = try view("stars gt 1 or title eq 'a'", shelf)
    #expect(shelf.heldBytes == held)
    #expect(kept.count == 2)
  }

  @Test func `a refused view leaves nothing behind`() throws {
    let shelf = FilterShelf(maxBytes: .max)
    for filter in [
      "title eq 'a'", "stars gt 1 or title eq 'a'", "titel eq 'a'", "now() gt 2024-01-01",
    ] {
      #expect(throws: DatasyncError.self) { try view(filter, shelf, select: ["nothing"]) }
    }
    #expect(shelf.heldBytes == 0)
  }

  @Test func `texts that only look alike are two filters`() throws {
    let shelf = FilterShelf(maxBytes: .max)
    let one = try view("contains(title, '\u{E9}')", shelf)
    let two = try view("contains(title, 'e\u{301}')", shelf)
    #expect(shared(one) !== shared(two))
    #expect(ExactText("\u{E9}") != ExactText("e\u{301}"))
    #expect(ExactText("a") == ExactText("a"))
  }

  @Test func `a view of a new generation counts as the old one did`() throws {
    let shelf = FilterShelf(maxBytes: 1)
    let wide = FilterShelf(maxBytes: .max)
    for filter in ["title eq 'a'", "stars gt 1 or title eq 'a'"] {
      let old = try view(filter, wide)
      do {
        // The bound is for those who come.
        let new = try old.adapted(
          to: Fixture.notes, in: Catalog(tables: [Fixture.notes], generation: 1), filters: shelf,
          rights: nil)
        #expect(shelf.heldBytes == new.condition.byteCount)
      }
      #expect(shelf.heldBytes == 0)
    }
  }
}
