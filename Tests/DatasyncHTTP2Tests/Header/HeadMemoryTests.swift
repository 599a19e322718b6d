import DatasyncHTTP2
import Testing

struct HeadMemoryTests {
  /// Sends heads one after the other.
  ///
  /// - Returns: What the server saw of each: its fields as text, and its number.
  private func receive(_ heads: [[(String, String)]]) throws -> [(fields: [String], number: Int)] {
    let peer = try RawPeer()
    var seen: [(fields: [String], number: Int)] = []
    peer.server.onOpen = { stream in
      seen.append((stream.head.pairs.map { "\($0.name): \($0.value)" }, stream.headNumber))
    }
    for (index, head) in heads.enumerated() {
      peer.send(.headers(UInt32(2 * index + 1), head, end: true))
    }
    return seen
  }

  private func text(_ head: [(String, String)]) -> [String] { head.map { "\($0.0): \($0.1)" } }

  @Test func `a head that is the same has the same number, any other another`() throws {
    let head = Frame.request
    let heads = [
      head, head, head + [("x", "1")], head + [("x", "2")], head + [("x", "2")], head,
      Array(head.dropLast()) + [("host", "test")], head + [("x", ""), ("y", "")],
      head + [("x", ""), ("y", "")],
    ]
    let seen = try receive(heads)
    #expect(seen.map(\.fields) == heads.map(text))
    #expect(seen[0].number == seen[1].number && seen[0].number != 0)
    #expect(seen[3].number == seen[4].number)
    for index in [2, 3, 5] { #expect(seen[index].number != seen[index - 1].number) }
    #expect(Set(seen.map(\.number).filter { $0 != 0 }).count <= 7)
  }

  @Test func `what moves from the name to the value, or to the next field, is another head`() throws
  {
    let heads = [
      Frame.request + [("ab", "cd")], Frame.request + [("abc", "d")],
      Frame.request + [("a", "bcd")], Frame.request + [("ab", ""), ("cd", "")],
    ]
    let seen = try receive(heads)
    #expect(seen.map(\.fields) == heads.map(text))
    #expect(Set(seen.map(\.number)).count == heads.count)
  }

  @Test func `heads that never repeat are not remembered for long, and are right nevertheless`()
    throws
  {
    let heads = (0..<200).map { Frame.request + [("x-id", "\($0)")] }
    let seen = try receive(heads)
    #expect(seen.map(\.fields) == heads.map(text))
    #expect(seen.filter { $0.number != 0 }.count < 12)
  }

  @Test func `a long head is not remembered`() throws {
    let head = Frame.request + [("x", String(repeating: "y", count: 2000))]
    let seen = try receive([head, head])
    #expect(seen.map(\.number) == [0, 0])
    #expect(seen.map(\.fields) == [text(head), text(head)])
  }
}
