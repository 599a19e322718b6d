import NIOCore
import NIOPosix
import Synchronization

/// Where answers are written that would keep an event loop, and all who are served by it, too long.
/// Sendable; one for a server.
final class LargeAnswers: Sendable {
  /// Of a message, in protobuf: a smaller one takes a loop a millisecond or two.
  static let leastBytes = 256 << 10

  private let maxBytes: Int
  private let heldBytes = Atomic<Int>(0)
  /// Nil: the process' own, which begin to run with the first answer.
  private let threads: NIOThreadPool?

  /// - Parameters:
  ///   - maxBytes: Of messages that wait or are written; what is beyond is written where it is asked for.
  ///   - threads: That run; nil: the process' own.
  init(maxBytes: Int = 64 << 20, threads: NIOThreadPool? = nil) {
    self.maxBytes = maxBytes
    self.threads = threads
  }

  /// Calls back on the event loop, on which it is to be called, too, when the answer is written.
  ///
  /// - Parameter bytes: Of the message.
  /// - Returns: False: there is too much already, and nothing will come.
  func write(
    _ answer: ConnectAnswer, bytes: Int, on eventLoop: any EventLoop,
    then: @escaping (ConnectAnswer.Written) -> Void
  ) -> Bool {
    let held = heldBytes.add(bytes, ordering: .relaxed).newValue
    guard held <= maxBytes else {
      heldBytes.subtract(bytes, ordering: .relaxed)
      return false
    }
    let threads = threads ?? .singleton
    threads.runIfActive(eventLoop: eventLoop) { answer.written() }.assumeIsolated().whenComplete {
      [self] result in
      heldBytes.subtract(bytes, ordering: .relaxed)
      // The threads end with the process alone.
      then((try? result.get()) ?? answer.written())
    }
    return true
  }
}

extension ServerCall {
  /// Lets another thread write an answer that is large, and sends it then.
  ///
  /// - Returns: Whether it is one.
  func writeElsewhere(_ status: Status, trailers: Metadata) -> Bool {
    guard let answer = response.largeAnswer(status), let bytes = answer.largeBytes,
      let large = connection.options.largeAnswers
    else { return false }
    isWriting = large.write(answer, bytes: bytes, on: eventLoop) { [self] written in
      guard isWriting, let stream else { return }
      isWriting = false
      connection.callFinished(status)
      response.send(written, trailers: trailers, on: stream)
    }
    return isWriting
  }
}
