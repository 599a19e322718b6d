import DatasyncRPC
import NIOCore

/// Sends messages in order, each after its delay and when the call takes more. Loop-bound.
///
/// It holds recipes, and makes a message when its turn has come: what waits costs little.
final class ReplyQueue {
  struct Reply {
    var delay = TimeAmount.zero
    var compress = true
    let message: () -> ByteBuffer
  }

  private let call: ServerCall
  private var waiting: CircularBuffer<Reply> = []
  private var whenEmpty: (() -> Void)?
  private var timer: Scheduled<Void>?
  private var isDue = false
  private var isOver = false

  init(_ call: ServerCall) {
    self.call = call
  }

  /// Adds messages; the closure is called when the last of all has been sent.
  func send(_ replies: some Sequence<Reply>, then: @escaping () -> Void) {
    waiting.append(contentsOf: replies)
    whenEmpty = then
    if timer == nil { advance() }
  }

  /// The call is writable again.
  func drained() {
    advance()
  }

  /// Sends nothing more.
  func stop() {
    isOver = true
    timer?.cancel()
    timer = nil
    waiting.removeAll()
    whenEmpty = nil
  }

  private func advance() {
    guard timer == nil else { return }
    while let next = waiting.first, !isOver {
      if next.delay > .zero, !isDue {
        timer = call.eventLoop.assumeIsolated().scheduleTask(in: next.delay) { [weak self] in
          self?.timerFired()
        }
        return
      }
      // Comes back with `drained`.
      guard call.isWritable else { return }
      isDue = false
      waiting.removeFirst()
      call.send(next.message(), compress: next.compress)
    }
    guard !isOver, let then = whenEmpty else { return }
    whenEmpty = nil
    then()
  }

  private func timerFired() {
    timer = nil
    isDue = true
    advance()
  }
}
