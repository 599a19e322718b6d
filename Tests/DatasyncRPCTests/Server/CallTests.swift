import DatasyncHTTP2
import DatasyncRPC
import NIOCore
import Testing

// Under a sanitizer, others hold the few threads that tests share for more than a minute.
@Suite(.timeLimit(.minutes(5)))
struct CallTests {
  @Test func `a unary call is answered with its message, metadata and status`() async throws {
    try await TestServer.run { test in
      let client = try await test.client()
      var metadata = Metadata()
      metadata.add("x-initial", "one")
      metadata.add("x-initial", "two")
      metadata.add("x-trailing-bin", bytes: [0xAB, 0x00, 0xAB])
      let response = try await client.unary(
        "/test.Echo/Unary", ByteBuffer(string: "hello"), metadata: metadata, timeout: .seconds(10))
      #expect(response.status == .ok)
      #expect(response.messages == [ByteBuffer(string: "hello")])
      #expect(response.headers.entries.map(\.key) == ["x-initial", "x-initial"])
      #expect(
        response.headers.entries.map { String(decoding: $0.value, as: UTF8.self) }
          == ["one", "two"])
      #expect(response.trailers.entries.first?.value == [0xAB, 0x00, 0xAB])
      #expect(response.trailers["x-has-deadline"] == "true")
    }
  }

  @Test func `a failure carries its message, whatever is in it, and its details`() async throws {
    try await TestServer.run { test in
      let client = try await test.client()
      let message = "\t\ntest with whitespace\r\nand Unicode BMP ☺ and non-BMP 😈\t\n 100%"
      let response = try await client.unary("/test.Echo/Fail", ByteBuffer(string: message))
      #expect(response.status == Status(.aborted, message, details: [8, 10]))
      #expect(response.messages.isEmpty)
    }
  }

  @Test func `an empty message is a message`() async throws {
    try await TestServer.run { test in
      let response = try await test.client().unary("/test.Echo/Unary", ByteBuffer())
      #expect(response.status == .ok)
      #expect(response.messages == [ByteBuffer()])
    }
  }

  @Test func `messages larger than every window arrive whole in both directions`() async throws {
    try await TestServer.run({ $0.maxMessageBytes = 16 << 20 }) { test in
      let client = try await test.client()
      let message = ByteBuffer(repeating: 42, count: 10 << 20)
      let response = try await client.unary("/test.Echo/Unary", message)
      #expect(response.status == .ok)
      #expect(response.messages == [message])
    }
  }

  @Test func `a client stream is counted whole`() async throws {
    try await TestServer.run { test in
      let call = try await AsyncCall.start(test.client(), "/test.Echo/Collect")
      for size in 0..<2000 { call.send(ByteBuffer(repeating: 1, count: size)) }
      call.halfClose()
      let response = try await call.response()
      #expect(response.messages.map { String(buffer: $0) } == ["2000 \(1999 * 2000 / 2)"])
    }
  }

  @Test func `a server stream arrives whole and in order, paced by the client`() async throws {
    try await TestServer.run { test in
      let response = try await test.client().unary(
        "/test.Echo/Expand", ByteBuffer(string: "3000 5000"))
      #expect(response.status == .ok)
      #expect(response.messages.count == 3000)
      for (index, message) in response.messages.enumerated() {
        #expect(message.getInteger(at: message.readerIndex) == UInt32(index + 1))
        #expect(message.readableBytes == 5000)
      }
    }
  }

  @Test func `a conversation goes back and forth`() async throws {
    try await TestServer.run { test in
      let call = try await AsyncCall.start(test.client(), "/test.Echo/Chat")
      for number in 0..<100 {
        call.send(ByteBuffer(string: "\(number)"))
        #expect(try await call.next() == ByteBuffer(string: "\(number)"))
      }
      call.send(ByteBuffer(string: "pause"))
      for number in 0..<100 { call.send(ByteBuffer(string: "\(number)")) }
      for number in 0..<100 {
        #expect(try await call.next() == ByteBuffer(string: "\(number)"))
      }
      call.send(ByteBuffer(string: "finish"))
      let response = try await call.response()
      #expect(response.status == Status(.outOfRange, "as you wish"))
    }
  }

  @Test func `a thousand calls that end early leave the connection as it was`() async throws {
    try await TestServer.run { test in
      let client = try await test.client()
      for _ in 0..<1000 {
        let call = try await AsyncCall.start(client, "/test.Echo/Chat")
        call.send(ByteBuffer(string: "finish"))
        #expect(try await call.response().status.code == .outOfRange)
      }
      let response = try await client.unary("/test.Echo/Unary", ByteBuffer(string: "still here"))
      #expect(response.status == .ok)
    }
  }

  @Test func `the handler learns of a reset, a lost connection and a deadline`() async throws {
    try await TestServer.run { test in
      let client = try await test.client()
      for (id, end) in [("reset-1", "reset"), ("lost-1", "lost")] {
        var metadata = Metadata()
        metadata.add("x-id", id)
        let call = try await AsyncCall.start(client, "/test.Echo/Silent", metadata: metadata)
        call.send(ByteBuffer(string: "x"))
        #expect(try await call.next() == ByteBuffer(string: "x"))
        if end == "reset" { call.cancel() } else { await client.close() }
        let cause = try await SilentHandler.causes.wait(id)
        #expect(cause == (end == "reset" ? .reset : .connectionLost))
      }
      // On a busy machine a call may be over before the server has seen it.
      let other = try await test.client()
      for milliseconds in [100, 1000, 10_000, 50_000] as [Int64] {
        let id = "deadline-\(milliseconds)"
        var metadata = Metadata()
        metadata.add("x-id", id)
        let call = try await AsyncCall.start(
          other, "/test.Echo/Silent", metadata: metadata, timeout: .milliseconds(milliseconds))
        call.send(ByteBuffer(string: "x"))
        guard try await call.next() == ByteBuffer(string: "x") else { continue }
        #expect(try await call.response().status.code == .deadlineExceeded)
        // The client's clock may end the call a moment before the server's.
        let cause = try await SilentHandler.causes.wait(id)
        #expect(cause == .deadlineExceeded || cause == .reset)
        return
      }
      Issue.record("the server answered no call within its deadline")
    }
  }

  @Test func `whoever waits for a message learns when none comes`() async throws {
    try await TestServer.run { test in
      let call = try await AsyncCall.start(
        test.client(), "/test.Echo/Silent", maxWait: .milliseconds(20))
      await #expect {
        _ = try await call.next()
      } throws: { error in
        "\(error)" == "/test.Echo/Silent: neither a message nor the end within 20 ms"
      }
      // What comes later is there still.
      call.send(ByteBuffer(string: "x"))
      let message = try await until("the echo") { () async -> ByteBuffer? in try? await call.next()
      }
      #expect(message == ByteBuffer(string: "x"))
      call.cancel()
    }
  }

  @Test func `a message over the limit ends its call and no other`() async throws {
    try await TestServer.run({ $0.maxMessageBytes = 1000 }) { test in
      let client = try await test.client()
      let bystander = try await AsyncCall.start(client, "/test.Echo/Chat")
      let exact = try await client.unary("/test.Echo/Unary", ByteBuffer(repeating: 1, count: 1000))
      #expect(exact.status == .ok)
      let over = try await client.unary("/test.Echo/Unary", ByteBuffer(repeating: 1, count: 1001))
      #expect(over.status.code == .resourceExhausted)
      bystander.send(ByteBuffer(string: "well"))
      #expect(try await bystander.next() == ByteBuffer(string: "well"))
    }
  }

  @Test func `a method that takes one message refuses none and two`() async throws {
    try await TestServer.run { test in
      let client = try await test.client()
      for method in ["Unary", "Expand"] {
        let none = try await AsyncCall.start(client, "/test.Echo/\(method)")
        none.halfClose()
        #expect(try await none.response().status.code == .unimplemented)
        let two = try await AsyncCall.start(client, "/test.Echo/\(method)")
        two.send(ByteBuffer(string: "1 4"))
        two.send(ByteBuffer(string: "1 4"))
        #expect(try await two.response().status.code == .unimplemented)
      }
    }
  }

  @Test func `an unknown method or service is unimplemented`() async throws {
    try await TestServer.run { test in
      let client = try await test.client()
      for path in ["/test.Echo/Nothing", "/test.Nothing/Unary", "/nothing", "//x", "/a/b/c"] {
        let response = try await client.unary(path, ByteBuffer())
        #expect(response.status.code == .unimplemented, "\(path)")
      }
    }
  }

  @Test func `messages are compressed where the client accepts it, and each may go without`()
    async throws
  {
    try await TestServer.run { test in
      let client = try await test.client()
      for encoding in [Encoding.gzip, .deflate] {
        let response = try await client.unary(
          "/test.Echo/Unary", ByteBuffer(repeating: 3, count: 100_000), encoding: encoding)
        #expect(response.status == .ok)
        #expect(response.messages == [ByteBuffer(repeating: 3, count: 100_000)])
        #expect(response.trailers["x-was-compressed"] == "yes")
      }
    }
  }
}
