package import CDatasyncMessages

/// Memory for one protobuf-c message at a time, taken and given back as a whole. Not Sendable: held
/// by whoever decodes or encodes on one event loop or thread, and used again and again.
///
/// protobuf-c allocates per field, and a hostile message can make that forty times its own size. The
/// arena answers from one block, then from a few larger ones, and refuses past ``maxBytes``; refusing
/// makes unpacking fail cleanly. C types stand in this module's interface, since it is the seam.
package final class MessageArena {
  /// Why a message could not be read.
  package enum Fault: Error {
    /// The bytes are no such message.
    case malformed
    /// Decoded it would be larger than ``MessageArena/maxBytes``.
    case tooLarge
  }

  /// What one message may take, in bytes, the first block included. What we build ourselves may take more.
  package let maxBytes: Int
  private let first: UnsafeMutableRawPointer
  private let firstSize: Int
  private var current: UnsafeMutableRawPointer
  private var currentSize: Int
  private var used = 0
  private var overflow: [UnsafeMutableRawPointer] = []
  private var total: Int
  private var refused = false

  /// - Parameters:
  ///   - initialBytes: Kept for the arena's whole life.
  ///   - maxBytes: What one message may take, in bytes.
  package init(initialBytes: Int = 8192, maxBytes: Int = 64 << 20) {
    self.maxBytes = maxBytes
    firstSize = initialBytes
    first = .allocate(byteCount: initialBytes, alignment: 16)
    current = first
    currentSize = initialBytes
    total = initialBytes
  }

  deinit {
    for block in overflow { block.deallocate() }
    first.deallocate()
  }

  private func reset() {
    for block in overflow { block.deallocate() }
    overflow.removeAll(keepingCapacity: true)
    current = first
    currentSize = firstSize
    used = 0
    total = firstSize
    refused = false
  }

  fileprivate func allocate(_ size: Int) -> UnsafeMutableRawPointer? {
    let rounded = (size + 15) & ~15
    if rounded <= currentSize - used {
      defer { used += rounded }
      return current + used
    }
    let blockSize = max(rounded, min(currentSize * 2, 1 << 20))
    guard rounded >= size, total + blockSize <= maxBytes else {
      refused = true
      return nil
    }
    current = .allocate(byteCount: blockSize, alignment: 16)
    overflow.append(current)
    currentSize = blockSize
    total += blockSize
    used = rounded
    return current
  }

  /// What the last message took, in bytes.
  package var usedBytes: Int { total - currentSize + used }

  // MARK: - Decoding

  /// The type of the generated `…__unpack` functions.
  package typealias Unpack<Message> = (
    UnsafeMutablePointer<ProtobufCAllocator>?, Int, UnsafePointer<UInt8>?
  ) -> UnsafeMutablePointer<Message>?

  /// Unpacks a message and lends it to the closure; every pointer in it ends with the closure.
  ///
  /// - Throws: ``Fault``, or what the closure throws.
  package func decode<Message, Result>(
    _ bytes: UnsafeRawBufferPointer, with unpack: Unpack<Message>,
    _ body: (Message) throws -> Result
  ) throws -> Result {
    reset()
    var allocator = ProtobufCAllocator(
      alloc: { arena, size in
        guard let arena else { return nil }
        return Unmanaged<MessageArena>.fromOpaque(arena).takeUnretainedValue().allocate(size)
      },
      free: { _, _ in },
      allocator_data: Unmanaged.passUnretained(self).toOpaque())
    let message = unpack(
      &allocator, bytes.count, bytes.baseAddress?.assumingMemoryBound(to: UInt8.self))
    guard let message else { throw refused ? Fault.tooLarge : Fault.malformed }
    return try body(message.pointee)
  }

  // MARK: - Encoding

  /// Makes room for messages that the closure builds with ``make(_:)`` and the like, and lends the
  /// packed bytes of the one that it returns.
  package func encode<Message, Result>(
    building build: (MessageArena) -> UnsafeMutablePointer<Message>,
    _ body: (UnsafeRawBufferPointer) throws -> Result
  ) rethrows -> Result {
    reset()
    let message = build(self)
    return try message.withMemoryRebound(to: ProtobufCMessage.self, capacity: 1) { message in
      let size = protobuf_c_message_get_packed_size(message)
      let output = room(size, UInt8.self)
      protobuf_c_message_pack(message, output)
      return try body(UnsafeRawBufferPointer(start: output, count: size))
    }
  }

  /// A message initialized by its generated function.
  package func make<Message>(
    _ initialize: (UnsafeMutablePointer<Message>?) -> Void
  ) -> UnsafeMutablePointer<Message> {
    let message = room(1, Message.self)
    initialize(message)
    return message
  }

  /// A copy of the UTF-8, for a field of a message that is being built; empty: no pointer.
  package func bytes(_ text: String) -> ProtobufCBinaryData {
    var text = text
    return text.withUTF8 { bytes(UnsafeRawBufferPointer($0)) }
  }

  /// A copy, for a field of a message that is being built; empty: no pointer.
  package func bytes(_ bytes: [UInt8]) -> ProtobufCBinaryData {
    bytes.withUnsafeBytes { self.bytes($0) }
  }

  /// A copy, for a field of a message that is being built; empty: no pointer.
  package func bytes(_ source: UnsafeRawBufferPointer) -> ProtobufCBinaryData {
    guard let base = source.baseAddress, source.count > 0 else { return ProtobufCBinaryData() }
    let copy = room(source.count, UInt8.self)
    UnsafeMutableRawPointer(copy).copyMemory(from: base, byteCount: source.count)
    return ProtobufCBinaryData(len: source.count, data: copy)
  }

  /// An array of values, for a repeated field.
  package func array<Source: Swift.Collection, Element>(
    _ source: Source, _ transform: (Source.Element) -> Element
  ) -> UnsafeMutablePointer<Element>? {
    guard !source.isEmpty else { return nil }
    let array = room(source.count, Element.self)
    for (index, element) in source.enumerated() {
      (array + index).initialize(to: transform(element))
    }
    return array
  }

  /// Memory of our own messages: its size is ours to bound, so that it comes beside the limit.
  private func room<Element>(_ count: Int, _ type: Element.Type) -> UnsafeMutablePointer<Element> {
    let size = max(1, count * MemoryLayout<Element>.stride)
    if let memory = allocate(size) {
      return memory.bindMemory(to: Element.self, capacity: count)
    }
    let block = UnsafeMutableRawPointer.allocate(byteCount: size, alignment: 16)
    overflow.append(block)
    return block.bindMemory(to: Element.self, capacity: count)
  }
}
