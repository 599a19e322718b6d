import NIOCore

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// Pauses a listener that has no descriptor left for the next connection: it would otherwise try, and
/// fail, as fast as it can. Loop-bound.
final class AcceptBackoff: ChannelInboundHandler {
  typealias InboundIn = any Channel

  private let pause: TimeAmount = .milliseconds(100)

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    guard let error = error as? IOError,
      [EMFILE, ENFILE, ENOBUFS, ENOMEM].contains(error.errnoCode)
    else { return context.fireErrorCaught(error) }
    let channel = context.channel
    channel.setOption(.autoRead, value: false).whenComplete { _ in }
    channel.eventLoop.scheduleTask(in: pause) {
      channel.setOption(.autoRead, value: true).whenComplete { _ in }
    }
  }
}
