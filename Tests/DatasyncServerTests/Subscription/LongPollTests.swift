import DatasyncModel
import NIOCore
import Testing

@testable import DatasyncMessages
@testable import DatasyncServer

@Suite struct LongPollTests {
  private func request(after token: String) -> ChangesRequest {
    ChangesRequest(
      table: "notes", filter: "", resumeToken: token, maxWait: nil, maxChanges: 0, select: [],
      includeDeleted: false, previous: false, excludeOwn: false)
  }

  @Test func `an answer that is due within a commit of which nothing was sent stands before it`()
    async throws
  {
    let sequence = try await TestLoop.runFuture { loop -> EventLoopFuture<Sequence> in
      let promise = loop.eventLoop.makePromise(of: Sequence.self)
      let token = ResumeToken(historyID: loop.historyID, sequence: .zero).text(coder: loop.tokens)
      let poll = try LongPoll(request(after: token), loop.resolver, loop: loop) { result in
        switch result {
        case .success(let reply): promise.succeed(reply.sequence)
        case .failure(let error): promise.fail(error)
        }
      }
      let subscription = try #require(poll.subscription)
      // A page has ended after the first change of a commit, which is held for the next page.
      subscription.phase = .replaying(position: Sequence(1070), isReading: true)
      subscription.holdPages { $0.within = CommitCut(start: Sequence(1070)) }
      poll.send(checkpoint: [], for: 0)
      return promise.futureResult
    }
    #expect(sequence == Sequence(1069))
  }
}
