import DatasyncHTTP2
import Foundation
import NIOCore
import NIOEmbedded
import Testing

/// Clients that send anything.
struct FuzzTests {
  @Test func `any bytes leave a connection whole, and its streams ended once`() throws {
    let count = try Mutator.run("http2") { mutator, corpus in
      let bytes = Self.input(&mutator, corpus)
      let input = Comment(rawValue: Data(bytes).base64EncodedString())
      let peer = try RawPeer(greets: false) { $0.callHighWaterMark = 4096 }
      var opened = 0
      peer.server.onOpen = { _ in opened += 1 }
      peer.server.consumes = mutator.below(4) > 0
      peer.server.answersWithEnd = mutator.below(4) > 0
      for part in mutator.parts(bytes) { peer.send(bytes: Array(part)) }
      let isAlive = !peer.isClosed
      // One may have begun its header list.
      let begun = peer.connection.streams.count - peer.server.opened.count
      #expect(begun == 0 || begun == 1 || !isAlive, input)
      Self.expectRightFrames(peer.take(), input)
      // Whoever is silent now has his connection for no longer than all the timeouts.
      peer.advance(.seconds(300))
      Self.expectRightFrames(peer.take(), input)
      if peer.channel.isActive { try peer.channel.close().wait() }
      peer.settle()
      #expect(peer.isClosed && peer.server.isClosed, input)
      #expect(peer.server.opened.isEmpty, input)
      #expect(peer.server.ends.count == opened, input)
      #expect(peer.connection.streams.isEmpty, input)
    }
    #expect(count > 0)
  }

  /// Whole frames that changed places, or bytes that changed within them.
  private static func input(_ mutator: inout Mutator, _ corpus: [[UInt8]]) -> [UInt8] {
    guard mutator.below(2) == 0 else { return mutator.input(corpus) }
    var frames: [Frame] = []
    for _ in 0...mutator.below(3) {
      let bytes = corpus[mutator.below(corpus.count)]
      if bytes.starts(with: RawPeer.preface) {
        frames += Frame.parse(Array(bytes.dropFirst(RawPeer.preface.count)))
      }
    }
    for _ in 0..<mutator.below(6) where !frames.isEmpty {
      let at = mutator.below(frames.count)
      switch mutator.below(6) {
      case 0: frames.swapAt(at, mutator.below(frames.count))
      case 1: frames.insert(frames[at], at: mutator.below(frames.count))
      case 2: frames[at].kind = UInt8(mutator.below(12))
      case 3: frames[at].flags ^= 1 << UInt8(mutator.below(8))
      case 4: frames[at].stream = UInt32(mutator.below(8))
      default: mutator.change(&frames[at].payload, corpus)
      }
    }
    return RawPeer.preface + frames.flatMap(\.bytes)
  }

  /// After a stream's end nothing more comes on it, and never more than a client takes.
  private static func expectRightFrames(_ frames: [Frame], _ input: Comment) {
    var ended: Set<UInt32> = []
    for frame in frames {
      #expect(frame.payload.count <= 16_384, input)
      switch frame.kind {
      case Frame.Kind.data, Frame.Kind.headers:
        #expect(frame.stream & 1 == 1, input)
        #expect(!ended.contains(frame.stream), input)
        if frame.endsStream { ended.insert(frame.stream) }
      case Frame.Kind.reset:
        ended.insert(frame.stream)
      default:
        break
      }
    }
  }
}
