import DatasyncHTTP2
import Logging
import NIOCore
import NIOSSL
import NIOTLS

/// Lets a connection speak once its handshake is done: HTTP/2 where that has agreed on `h2`, on the web
/// HTTP/1 where it has not. Loop-bound.
final class TLSGate: ChannelInboundHandler, RemovableChannelHandler, ConnectionGate {
  typealias InboundIn = ByteBuffer

  private let connection: ServerConnection
  private let timeout: TimeAmount
  private let pumpQueue: PumpQueue?
  private let log: RareLog
  private var channel: (any Channel)?
  private var timer: Scheduled<Void>?
  private var isOpen = false

  init(
    connection: ServerConnection, timeout: TimeAmount, pumpQueue: PumpQueue?, log: RareLog
  ) {
    self.connection = connection
    self.timeout = timeout
    self.pumpQueue = pumpQueue
    self.log = log
  }

  func handlerAdded(context: ChannelHandlerContext) {
    let channel = context.channel
    self.channel = channel
    connection.gate = self
    let observer = connection.options.limitObserver
    timer = context.eventLoop.scheduleTask(in: timeout) {
      observer?.limitReached(.handshakeTime)
      channel.close(promise: nil)
    }
  }

  func handlerRemoved(context: ChannelHandlerContext) {
    timer?.cancel()
    channel = nil
  }

  /// Ends a connection whose handshake is not done.
  func close() {
    channel?.close(promise: nil)
  }

  func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
    guard case .handshakeCompleted(let negotiated) = event as? TLSUserEvent else {
      return context.fireUserInboundEventTriggered(event)
    }
    timer?.cancel()
    let isHTTP2 = negotiated == "h2"
    guard isHTTP2 || connection.options.web != nil else {
      refused(.noHTTP2, "ALPN: \(negotiated ?? "nothing in common")")
      answerHTTP1(context)
      return
    }
    let pipeline = context.pipeline.syncOperations
    let certificate = try? pipeline.handler(type: NIOSSLServerHandler.self).peerCertificate
    connection.peer.certificateSubject = certificate.flatMap { CertificateSubject.text(of: $0) }
    connection.peer.certificate = certificate.map { PeerCertificate($0) }
    isOpen = true
    connection.gate = nil
    do {
      let handler: any ChannelHandler =
        isHTTP2
        ? connection.speak(sendingWith: pumpQueue, writesToSocket: false) : connection.speakHTTP1()
      try pipeline.addHandler(handler, position: .after(self))
    } catch {
      context.close(promise: nil)
    }
  }

  /// A connection that ends in its handshake still has to be counted out.
  func channelInactive(context: ChannelHandlerContext) {
    if !isOpen { connection.connectionClosed() }
    context.fireChannelInactive()
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    guard !isOpen else { return context.fireErrorCaught(error) }
    if let refusal = HandshakeRefusal(error) { refused(refusal, "\(error)") }
    context.close(promise: nil)
  }

  private func refused(_ refusal: HandshakeRefusal, _ error: String) {
    log.warning(
      "TLS handshake refused: \(refusal.rawValue)", kind: refusal.rawValue,
      metadata: [
        "do": "\(refusal.remedy)", "peer": "\(connection.peer.address)", "error": "\(error)",
      ])
  }

  /// Whoever has not agreed on HTTP/2 speaks an older one.
  private func answerHTTP1(_ context: ChannelHandlerContext) {
    let channel = context.channel
    let text = connection.options.http1Answer?.http1Text() ?? ""
    context.writeAndFlush(NIOAny(ByteBuffer(string: text))).assumeIsolated().whenComplete { _ in
      channel.close(promise: nil)
    }
  }
}
