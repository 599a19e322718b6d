import DatasyncHTTP2
import NIOCore

/// Keeps a connection from ending up with a protocol before it is known which. Loop-bound.
protocol ConnectionGate: AnyObject {
  /// Ends the connection: until then there is nothing to drain.
  func close()
}

/// Tells HTTP/2 from HTTP/1 by the first bytes, in cleartext. Loop-bound.
final class ProtocolGate: ChannelInboundHandler, RemovableChannelHandler, ConnectionGate {
  typealias InboundIn = ByteBuffer

  /// The beginning of HTTP/2's preface; no method of HTTP/1 begins like this.
  private static let preface = Array("PRI ".utf8)

  private let connection: ServerConnection
  private let pumpQueue: PumpQueue?
  private var bytes = ByteBuffer()
  private var channel: (any Channel)?
  private var timer: Scheduled<Void>?
  private var isOpen = false

  init(connection: ServerConnection, pumpQueue: PumpQueue?) {
    self.connection = connection
    self.pumpQueue = pumpQueue
  }

  func handlerAdded(context: ChannelHandlerContext) {
    let channel = context.channel
    self.channel = channel
    connection.gate = self
    let observer = connection.options.limitObserver
    timer = context.eventLoop.scheduleTask(in: connection.options.peerHandshakeTimeout) {
      observer?.limitReached(.handshakeTime)
      channel.close(promise: nil)
    }
  }

  func handlerRemoved(context: ChannelHandlerContext) {
    timer?.cancel()
    channel = nil
  }

  func close() {
    channel?.close(promise: nil)
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    bytes.writeImmutableBuffer(unwrapInboundIn(data))
    guard !isOpen, bytes.readableBytes > 0 else { return }
    let start = bytes.readableBytesView.prefix(ProtocolGate.preface.count)
    let isHTTP2 = ProtocolGate.preface.starts(with: start)
    if isHTTP2, start.count < ProtocolGate.preface.count { return }
    isOpen = true
    timer?.cancel()
    connection.gate = nil
    let handler: any ChannelHandler =
      isHTTP2
      ? connection.speak(sendingWith: pumpQueue, writesToSocket: true)
      : connection.speakHTTP1()
    do {
      try context.pipeline.syncOperations.addHandler(handler, position: .after(self))
    } catch {
      return context.close(promise: nil)
    }
    context.fireChannelRead(NIOAny(bytes))
    bytes = ByteBuffer()
    context.pipeline.syncOperations.removeHandler(context: context, promise: nil)
  }

  /// A connection that ends before it has said anything still has to be counted out.
  func channelInactive(context: ChannelHandlerContext) {
    if !isOpen { connection.connectionClosed() }
    context.fireChannelInactive()
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    guard !isOpen else { return context.fireErrorCaught(error) }
    context.close(promise: nil)
  }
}
