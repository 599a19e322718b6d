import DatasyncRPC
import NIOCore

/// Methods that show every side of a call; messages are bytes.
enum EchoService {
  static let service = Service(
    name: "test.Echo",
    methods: [
      Method(name: "Unary") { EchoHandler($0) },
      Method(name: "Collect", isClientStreaming: true) { CollectHandler($0) },
      Method(name: "Expand", isServerStreaming: true) { ExpandHandler($0) },
      Method(name: "Chat", isClientStreaming: true, isServerStreaming: true) { ChatHandler($0) },
      Method(name: "Silent", isClientStreaming: true, isServerStreaming: true) {
        SilentHandler($0)
      },
      Method(name: "SilentUnary") { SilentHandler($0) },
      Method(name: "Fail") { call in
        UnaryHandler(call) { .failure(Status(.aborted, String(buffer: $0), details: [8, 10])) }
      },
    ])
}

/// Answers with the message, and with the metadata under `x-echo-…` keys.
final class EchoHandler: CallHandler {
  let call: ServerCall

  init(_ call: ServerCall) { self.call = call }

  func received(_ message: ByteBuffer, wasCompressed: Bool) {
    var headers = Metadata()
    var trailers = Metadata()
    for entry in call.metadata.entries {
      if entry.key.hasPrefix("x-initial") { headers.add(entry.key, bytes: entry.value) }
      if entry.key.hasPrefix("x-trailing") { trailers.add(entry.key, bytes: entry.value) }
    }
    if wasCompressed { trailers.add("x-was-compressed", "yes") }
    if let deadline = call.deadline {
      trailers.add("x-has-deadline", "\((deadline - .now()).nanoseconds > 0)")
    }
    call.sendInitialMetadata(headers)
    call.send { $0.writeImmutableBuffer(message) }
    call.finish(.ok, trailers: trailers)
  }

  func halfClosed() {}
  func cancelled(_ cause: CancellationCause) {}
}

/// Answers with the number of messages and bytes when the client is done.
final class CollectHandler: CallHandler {
  let call: ServerCall
  var count = 0
  var bytes = 0

  init(_ call: ServerCall) { self.call = call }

  func received(_ message: ByteBuffer, wasCompressed: Bool) {
    count += 1
    bytes += message.readableBytes
  }

  func halfClosed() {
    call.send(ByteBuffer(string: "\(count) \(bytes)"))
    call.finish(.ok)
  }

  func cancelled(_ cause: CancellationCause) {}
}

/// Takes "COUNT SIZE" and sends so many messages of that size, as fast as the call takes them.
final class ExpandHandler: CallHandler {
  let call: ServerCall
  var left = 0
  var size = 0
  var number: UInt32 = 0

  init(_ call: ServerCall) { self.call = call }

  func received(_ message: ByteBuffer, wasCompressed: Bool) {
    let parts = String(buffer: message).split(separator: " ").compactMap { Int($0) }
    (left, size) = (parts[0], parts[1])
    drained()
  }

  func drained() {
    while left > 0, call.isWritable {
      left -= 1
      number += 1
      call.send { buffer in
        buffer.writeInteger(number)
        buffer.writeRepeatingByte(7, count: size - 4)
      }
    }
    if left == 0 { call.finish(.ok) }
  }

  func halfClosed() {}
  func cancelled(_ cause: CancellationCause) {}
}

/// Answers each message with itself; "pause" and "finish" are obeyed.
final class ChatHandler: CallHandler {
  let call: ServerCall

  init(_ call: ServerCall) { self.call = call }

  func received(_ message: ByteBuffer, wasCompressed: Bool) {
    switch String(buffer: message) {
    case "finish":
      call.finish(Status(.outOfRange, "as you wish"))
    case "pause":
      call.pauseReading()
      call.eventLoop.assumeIsolated().scheduleTask(in: .milliseconds(100)) {
        self.call.resumeReading()
      }
    default:
      call.send(message, compress: wasCompressed)
    }
  }

  func halfClosed() {
    call.finish(.ok)
  }

  func serverDraining(timeLeft: TimeAmount) {
    call.send(ByteBuffer(string: "draining"))
  }

  func cancelled(_ cause: CancellationCause) {}
}

/// Never ends by itself; remembers how it ended. A stream gets its first message back.
final class SilentHandler: CallHandler {
  static let causes = Causes()

  let call: ServerCall

  init(_ call: ServerCall) { self.call = call }

  func received(_ message: ByteBuffer, wasCompressed: Bool) {
    if call.path == "/test.Echo/Silent" { call.send(message) }
  }

  func halfClosed() {}

  func cancelled(_ cause: CancellationCause) {
    if let id = call.metadata["x-id"] { Self.causes.set(id, cause) }
  }
}
