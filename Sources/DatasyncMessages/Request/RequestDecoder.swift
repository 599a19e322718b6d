import CDatasyncMessages
import DatasyncProtobuf

/// Reads requests from their wire bytes, through protobuf-c. Not Sendable: holds an arena, and
/// belongs to one event loop.
package final class RequestDecoder {
  private let arena: MessageArena

  /// - Parameter maxBytes: What one request may take in memory once decoded; more is ``MessageArena/Fault``
  ///   `tooLarge`.
  package init(maxBytes: Int = 64 << 20) {
    arena = MessageArena(maxBytes: maxBytes)
  }

  /// What the last message took once decoded, about what its request takes.
  package var decodedBytes: Int { arena.usedBytes }

  /// - Throws: ``MessageArena/Fault``: no such message (invalid UTF-8 in a string included), or one
  ///   that would take too much memory.
  package func sessionRequest(_ bytes: UnsafeRawBufferPointer) throws -> SessionRequest {
    try arena.decode(bytes, with: datasync__v1__session_request__unpack) { message in
      SessionRequest(
        requestID: message.request_id, request: try Decode.request(message),
        byteCount: bytes.count)
    }
  }

  /// A CreateRequest. Throws as ``sessionRequest(_:)``.
  package func create(_ bytes: UnsafeRawBufferPointer) throws -> Request {
    try arena.decode(bytes, with: datasync__v1__create_request__unpack) {
      .write(try Decode.create($0))
    }
  }

  /// A ReplaceRequest. Throws as ``sessionRequest(_:)``.
  package func replace(_ bytes: UnsafeRawBufferPointer) throws -> Request {
    try arena.decode(bytes, with: datasync__v1__replace_request__unpack) {
      .write(try Decode.replace($0))
    }
  }

  /// An UpdateRequest. Throws as ``sessionRequest(_:)``.
  package func update(_ bytes: UnsafeRawBufferPointer) throws -> Request {
    try arena.decode(bytes, with: datasync__v1__update_request__unpack) {
      .write(try Decode.update($0))
    }
  }

  /// A DeleteRequest. Throws as ``sessionRequest(_:)``.
  package func delete(_ bytes: UnsafeRawBufferPointer) throws -> Request {
    try arena.decode(bytes, with: datasync__v1__delete_request__unpack) {
      .write(try Decode.delete($0))
    }
  }

  /// A CommitRequest. Throws as ``sessionRequest(_:)``.
  package func commit(_ bytes: UnsafeRawBufferPointer) throws -> Request {
    try arena.decode(bytes, with: datasync__v1__commit_request__unpack) {
      .commit(try Decode.commit($0))
    }
  }

  /// A GetRequest. Throws as ``sessionRequest(_:)``.
  package func get(_ bytes: UnsafeRawBufferPointer) throws -> Request {
    try arena.decode(bytes, with: datasync__v1__get_request__unpack) {
      .get(try Decode.get($0))
    }
  }

  /// A QueryRequest. Throws as ``sessionRequest(_:)``.
  package func query(_ bytes: UnsafeRawBufferPointer) throws -> Request {
    try arena.decode(bytes, with: datasync__v1__query_request__unpack) {
      .query(try Decode.query($0))
    }
  }

  /// A SubscribeRequest. Throws as ``sessionRequest(_:)``.
  package func subscribe(_ bytes: UnsafeRawBufferPointer) throws -> Request {
    try arena.decode(bytes, with: datasync__v1__subscribe_request__unpack) {
      .subscribe(try Decode.subscribe($0))
    }
  }

  /// A DescribeRequest. Throws as ``sessionRequest(_:)``.
  package func describe(_ bytes: UnsafeRawBufferPointer) throws -> Request {
    try arena.decode(bytes, with: datasync__v1__describe_request__unpack) {
      .describe(table: try Decode.text($0.table))
    }
  }

  /// A ChangesRequest. Throws as ``sessionRequest(_:)``.
  package func changes(_ bytes: UnsafeRawBufferPointer) throws -> Request {
    try arena.decode(bytes, with: datasync__v1__changes_request__unpack) {
      .changes(try Decode.changes($0))
    }
  }

  /// The paths of a google.protobuf.FieldMask.
  package func fieldMask(_ bytes: UnsafeRawBufferPointer) throws -> [String] {
    try arena.decode(bytes, with: google__protobuf__field_mask__unpack) {
      try Decode.texts($0.paths, $0.n_paths)
    }
  }
}
