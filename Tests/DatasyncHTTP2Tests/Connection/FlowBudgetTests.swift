import Testing

@testable import DatasyncHTTP2

struct FlowBudgetTests {
  @Test func `what came goes back to the window at once, unless too much is unread`() {
    var flow = FlowBudget(nil)
    #expect(flow.settle(maxUnreadBytes: 10) == 0)
    flow.received(7)
    flow.kept(7)
    #expect(flow.settle(maxUnreadBytes: 10) == 7)
    #expect(flow.settle(maxUnreadBytes: 10) == 0)
    flow.received(6)
    flow.kept(4)
    #expect(flow.settle(maxUnreadBytes: 10) == 0)
    flow.consumed(1)
    #expect(flow.unreadBytes == 10)
    #expect(flow.settle(maxUnreadBytes: 10) == 6)
  }

  @Test func `a message is held up to a limit, and up to a share of it where all hold much`() {
    let budget = BufferBudget(maxBytes: 1 << 20)
    var flow = FlowBudget(budget)
    var other = FlowBudget(budget)
    flow.wrote(2 << 20)
    #expect(budget.isExhausted)
    #expect(!flow.mayBuffer(upTo: 4 << 20, inAnyCase: 1 << 10))
    #expect(other.mayBuffer(upTo: 4 << 20, inAnyCase: 1 << 10))
    other.wrote(1 << 11)
    #expect(!other.mayBuffer(upTo: 4 << 20, inAnyCase: 1 << 10))
    flow.letGo(2 << 20)
    #expect(other.mayBuffer(upTo: 4 << 20, inAnyCase: 1 << 10))
    #expect(!other.mayBuffer(upTo: 1 << 10, inAnyCase: 1 << 10))
  }

  @Test func `a connection that ends gives back what it held`() {
    let budget = BufferBudget(maxBytes: 1 << 20)
    var flow = FlowBudget(budget)
    flow.wrote(3 << 20)
    #expect(budget.heldBytes == 3 << 20)
    flow.end()
    #expect(budget.heldBytes == 0)
  }
}
