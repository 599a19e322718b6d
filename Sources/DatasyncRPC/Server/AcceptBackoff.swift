import Logging
import NIOCore

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// Pauses a listener that has no descriptor left for the next connection: it would otherwise try, and
/// fail, as fast as it can; and says so. Loop-bound.
final class AcceptBackoff: ChannelInboundHandler {
  typealias InboundIn = any Channel

  private let pause: TimeAmount = .milliseconds(100)
  private let log: RareLog

  init(log: RareLog) {
    self.log = log
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    guard let error = error as? IOError,
      [EMFILE, ENFILE, ENOBUFS, ENOMEM].contains(error.errnoCode)
    else { return context.fireErrorCaught(error) }
    log.warning(
      "no connection can be accepted", kind: "accept \(error.errnoCode)",
      metadata: ["error": "\(error)", "do": "\(Self.remedy(error.errnoCode))"])
    let channel = context.channel
    channel.setOption(.autoRead, value: false).whenComplete { _ in }
    channel.eventLoop.scheduleTask(in: pause) {
      channel.setOption(.autoRead, value: true).whenComplete { _ in }
    }
  }

  private static func remedy(_ code: CInt) -> String {
    switch code {
    case EMFILE:
      "the process has no file descriptor left: raise its limit (ulimit -n, LimitNOFILE=), or lower "
        + "max_connections"
    case ENFILE: "the system has no file descriptor left: raise fs.file-max"
    default: "the system has no memory left for sockets"
    }
  }
}
