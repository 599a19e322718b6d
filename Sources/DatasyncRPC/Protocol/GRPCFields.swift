import DatasyncHTTP2

/// Writes status and metadata as fields, for requests and responses. Namespace.
enum GRPCFields {
  /// The status and what belongs to it, for trailers or for a response that is nothing else.
  static func add(_ status: Status, to block: inout HeaderBlock) {
    block.add("grpc-status", text(status.code))
    guard status.code != .ok else { return }
    if !status.message.isEmpty {
      PercentEncoding.encode(status.message).withUnsafeBytes {
        block.add("grpc-message", bytes: $0)
      }
    }
    if !status.details.isEmpty, status.details.count <= Status.maxDetailsBytes {
      Base64.encode(status.details).withUnsafeBytes {
        block.add("grpc-status-details-bin", bytes: $0)
      }
    }
  }

  private static let codes: [StaticString] = [
    "0", "1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "11", "12", "13", "14", "15", "16",
  ]

  private static func text(_ code: Status.Code) -> StaticString {
    codes.indices.contains(code.rawValue) ? codes[code.rawValue] : "2"
  }

  static func add(_ metadata: Metadata, to block: inout HeaderBlock) {
    forEach(metadata) { add($0, $1, to: &block) }
  }

  /// Names and values as they are sent. Entries that may not be are left out: reserved keys, and bytes
  /// that HTTP has no room for. Spaces at a text's ends mean nothing, and may not be sent either.
  static func forEach(_ metadata: Metadata, _ body: (String, [UInt8]) -> Void) {
    for entry in metadata.entries where isPermitted(entry.key) {
      if entry.key.hasSuffix("-bin") {
        body(entry.key, Base64.encode(entry.value))
      } else if entry.value.allSatisfy({ $0 >= 0x20 && $0 <= 0x7E }) {
        let isSpace = { (byte: UInt8) in byte == 0x20 }
        let text = entry.value.drop(while: isSpace).reversed().drop(while: isSpace).reversed()
        body(entry.key, Array(text))
      }
    }
  }

  private static func add(_ key: String, _ value: [UInt8], to block: inout HeaderBlock) {
    var key = key
    key.withUTF8 { key in
      value.withUnsafeBytes { block.add(UnsafeRawBufferPointer(key), $0) }
    }
  }

  private static let reserved: Set<String> = [
    "content-type", "te", "user-agent", "host", "connection", "content-length",
    "transfer-encoding", "upgrade", "keep-alive", "proxy-connection",
  ]

  static func isPermitted(_ key: String) -> Bool {
    !key.isEmpty && !key.hasPrefix("grpc-") && !reserved.contains(key)
      && key.utf8.allSatisfy { byte in
        (byte >= UInt8(ascii: "a") && byte <= UInt8(ascii: "z"))
          || (byte >= UInt8(ascii: "0") && byte <= UInt8(ascii: "9"))
          || byte == UInt8(ascii: "-") || byte == UInt8(ascii: "_") || byte == UInt8(ascii: ".")
      }
  }
}
