import DatasyncGRPCServices
import DatasyncHTTP2
import DatasyncRPC
import Logging
import NIOCore
import NIOPosix
import Testing

// Under a sanitizer, others hold the few threads that tests share for more than a minute.
@Suite(.timeLimit(.minutes(5)))
struct ServerTests {
  @Test func `a port in use is named in the error`() async throws {
    try await TestServer.run { test in
      let other = RPCServer(
        registry: ServiceRegistry([]), group: test.group,
        logger: Logger(label: "test"))
      await #expect {
        _ = try await other.bind(host: "127.0.0.1", port: test.port)
      } throws: { error in
        "\(error)" == "the address 127.0.0.1:\(test.port) is in use by another program"
      }
    }
  }

  @Test func `draining tells health and calls, serves those that run, and refuses new ones`()
    async throws
  {
    try await TestServer.run { test in
      let client = try await test.client()
      let watch = try await AsyncCall.start(client, "/grpc.health.v1.Health/Watch")
      watch.send(ByteBuffer())
      watch.halfClose()
      #expect(try await watch.next() == ByteBuffer(bytes: [8, 1]))
      let chat = try await AsyncCall.start(client, "/test.Echo/Chat")
      chat.send(ByteBuffer(string: "before"))
      #expect(try await chat.next() == ByteBuffer(string: "before"))
      async let drained: Void = test.server.drain(grace: .minutes(1))
      #expect(try await watch.next() == ByteBuffer(bytes: [8, 2]))
      #expect(try await chat.next() == ByteBuffer(string: "draining"))
      chat.send(ByteBuffer(string: "still"))
      #expect(try await chat.next() == ByteBuffer(string: "still"))
      chat.halfClose()
      #expect(try await chat.response().status == .ok)
      watch.cancel()
      await drained
      #expect(test.server.connectionCount == 0)
      await #expect(throws: (any Error).self) { try await test.client() }
    }
  }

  @Test func `a drain ends the calls that stay when its time is up`() async throws {
    try await TestServer.run { test in
      let chat = try await AsyncCall.start(test.client(), "/test.Echo/Chat")
      chat.send(ByteBuffer(string: "before"))
      #expect(try await chat.next() == ByteBuffer(string: "before"))
      async let drained: Void = test.server.drain(grace: .milliseconds(100))
      #expect(try await chat.next() == ByteBuffer(string: "draining"))
      #expect(try await chat.response().status.code == .unavailable)
      await drained
      #expect(test.server.connectionCount == 0)
    }
  }

  @Test func `a drain ends as soon as the last call does`() async throws {
    try await TestServer.run { test in
      let client = try await test.client()
      let chat = try await AsyncCall.start(client, "/test.Echo/Chat")
      chat.send(ByteBuffer(string: "x"))
      _ = try await chat.next()
      let start = NIODeadline.now()
      async let drained: Void = test.server.drain(grace: .seconds(50))
      #expect(try await chat.next() == ByteBuffer(string: "draining"))
      chat.halfClose()
      #expect(try await chat.response().status == .ok)
      await drained
      #expect(NIODeadline.now() - start < .seconds(20))
    }
  }

  @Test func `connections are bounded in all and for each address`() async throws {
    for all in [true, false] {
      try await TestServer.run({
        if all { $0.maxConnections = 2 } else { $0.maxConnectionsPerAddress = 2 }
      }) { test in
        let first = try await test.client()
        let second = try await test.client()
        for client in [first, second] {
          #expect(try await client.unary("/test.Echo/Unary", ByteBuffer()).status == .ok)
        }
        let third = try await test.client()
        #expect(
          try await third.unary("/test.Echo/Unary", ByteBuffer()).status.code == .unavailable)
        await first.close()
        try await until("the server forgets a closed connection") {
          test.server.connectionCount <= 1 ? () : nil
        }
        let fourth = try await test.client()
        #expect(try await fourth.unary("/test.Echo/Unary", ByteBuffer()).status == .ok)
      }
    }
  }

  @Test func `health answers by service, lists, and says what changes`() async throws {
    try await TestServer.run { test in
      let client = try await test.client()
      let name = ByteBuffer(bytes: [10, 1] + Array("s".utf8))
      let check = "/grpc.health.v1.Health/Check"
      #expect(try await client.unary(check, ByteBuffer()).messages == [ByteBuffer(bytes: [8, 1])])
      #expect(try await client.unary(check, name).status.code == .notFound)
      #expect(
        try await client.unary(check, ByteBuffer(bytes: [0xFF])).status.code == .internal)
      let watch = try await AsyncCall.start(client, "/grpc.health.v1.Health/Watch")
      watch.send(name)
      watch.halfClose()
      #expect(try await watch.next() == ByteBuffer(bytes: [8, 3]))
      test.health.set("s", .notServing)
      #expect(try await watch.next() == ByteBuffer(bytes: [8, 2]))
      test.health.set("s", .notServing)
      test.health.set("other", .serving)
      test.health.set("s", .serving)
      #expect(try await watch.next() == ByteBuffer(bytes: [8, 1]))
      let list = try await client.unary("/grpc.health.v1.Health/List", ByteBuffer())
      #expect(list.status == .ok)
      #expect((list.messages.first?.readableBytes ?? 0) > 20)
      for number in 0...20_000 { test.health.set("s\(number)", .serving) }
      #expect(
        try await client.unary("/grpc.health.v1.Health/List", ByteBuffer()).status.code
          == .resourceExhausted)
      watch.cancel()
    }
  }

  @Test(arguments: ["v1", "v1alpha"])
  func `reflection answers each request, and goes on after what it does not know`(
    version: String
  ) async throws {
    try await TestServer.run { test in
      let call = try await AsyncCall.start(
        test.client(), "/grpc.reflection.\(version).ServerReflection/ServerReflectionInfo")
      func ask(_ field: UInt8, _ text: String) async throws -> [UInt8] {
        call.send(
          ByteBuffer(
            bytes: [10, 1, UInt8(ascii: "h"), field << 3 | 2, UInt8(text.utf8.count)]
              + Array(text.utf8)))
        return Array(buffer: try await call.next() ?? ByteBuffer())
      }
      func contains(_ bytes: [UInt8], _ text: String) -> Bool {
        String(decoding: bytes, as: UTF8.self).contains(text)
      }
      let list = try await ask(7, "")
      #expect(contains(list, "test.Echo") && contains(list, "grpc.health.v1.Health"))
      // valid_host comes back as it was sent.
      #expect(Array(list.prefix(3)) == [10, 1, UInt8(ascii: "h")])
      #expect(contains(try await ask(4, "no.such.Symbol"), "not found: no.such.Symbol"))
      let first = try await ask(4, "datasync.v1.Datasync")
      #expect(contains(first, "google/protobuf/any.proto"))
      let second = try await ask(3, "datasync/v1/datasync.proto")
      #expect(second.count < first.count)
      #expect(contains(second, "Datasync"))
      #expect(contains(try await ask(6, "datasync.v1.Subscribe"), "datasync.v1.Subscribe"))
      call.send(ByteBuffer())
      #expect(try await call.response().status.code == .invalidArgument)
    }
  }

  @Test func `a hard close ends calls with a status`() async throws {
    try await TestServer.run { test in
      let chat = try await AsyncCall.start(test.client(), "/test.Echo/Chat")
      chat.send(ByteBuffer(string: "x"))
      _ = try await chat.next()
      await test.server.close()
      #expect(try await chat.response().status.code == .unavailable)
    }
  }
}
