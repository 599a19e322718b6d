import DatasyncModel

extension ProtoFile {
  /// A serialized google.protobuf.FileDescriptorProto, as protoc would make it from ``text``.
  package func fileDescriptor() -> [UInt8] {
    var file = WireWriter(reservingCapacity: 4096)
    file.append(field: 1, string: name)
    file.append(field: 2, string: package)
    for dependency in dependencies { file.append(field: 3, string: dependency) }
    for message in messages {
      file.append(field: 4) { ProtoFile.write(message, to: &$0) }
    }
    for service in services {
      file.append(field: 6) { ProtoFile.write(service, to: &$0) }
    }
    file.append(field: 9) { writeComments(to: &$0) }
    file.append(field: 12, string: "proto3")
    return file.bytes
  }

  private static func write(_ message: Message, to writer: inout WireWriter) {
    writer.append(field: 1, string: message.name)
    var optionalCount: UInt64 = 0
    for field in message.fields {
      let oneof = field.label == .optional ? optionalCount : nil
      if oneof != nil { optionalCount += 1 }
      writer.append(field: 2) { write(field, oneof: oneof, to: &$0) }
    }
    for name in syntheticOneofs(of: message) {
      writer.append(field: 8) { $0.append(field: 1, string: name) }
    }
  }

  /// protoc gives each optional field of proto3 a oneof of its own: the field's name behind an
  /// underscore, and behind an X for as long as another field or oneof has that name.
  static func syntheticOneofs(of message: Message) -> [String] {
    var taken = Set(message.fields.map(\.name))
    return message.fields.filter { $0.label == .optional }.map { field in
      var name = field.name.hasPrefix("_") ? field.name : "_\(field.name)"
      while !taken.insert(name).inserted { name = "X\(name)" }
      return name
    }
  }

  private static func write(_ field: Field, oneof: UInt64?, to writer: inout WireWriter) {
    writer.append(field: 1, string: field.name)
    writer.append(field: 3, varint: UInt64(field.number))
    writer.append(field: 4, varint: field.label == .repeated ? 3 : 1)
    switch field.kind {
    case .scalar(let scalar):
      writer.append(field: 5, varint: scalar.rawValue)
    case .message(let name):
      writer.append(field: 5, varint: 11)
      writer.append(field: 6, string: ".\(name)")
    case .enumeration(let name):
      writer.append(field: 5, varint: 14)
      writer.append(field: 6, string: ".\(name)")
    }
    if let oneof { writer.append(field: 9, varint: oneof) }
    writer.append(field: 10, string: jsonName(of: field.name))
    if oneof != nil { writer.append(field: 17, bool: true) }
  }

  private static func write(_ service: Service, to writer: inout WireWriter) {
    writer.append(field: 1, string: service.name)
    for method in service.methods {
      writer.append(field: 2) { nested in
        nested.append(field: 1, string: method.name)
        nested.append(field: 2, string: ".\(method.input)")
        nested.append(field: 3, string: ".\(method.output)")
        if !method.hasSideEffects {
          // MethodOptions.idempotency_level; serializers write in the order of the numbers.
          nested.append(field: 4) { $0.append(field: 34, varint: 1) }
        }
        if method.isServerStreaming { nested.append(field: 6, bool: true) }
      }
    }
  }

  /// As protoc: an underscore goes, and the letter after it becomes a capital.
  static func jsonName(of name: String) -> String {
    JSONName.of(name)
  }

  /// SourceCodeInfo with the comments alone: paths as descriptor.proto explains them.
  private func writeComments(to writer: inout WireWriter) {
    func location(_ path: [UInt64], _ comment: String) {
      guard !comment.isEmpty else { return }
      writer.append(field: 1) { location in
        location.append(field: 1) { packed in path.forEach { packed.appendVarint($0) } }
        location.append(field: 2) { packed in [0, 0, 0].forEach { packed.appendVarint($0) } }
        let lines = comment.split(separator: "\n", omittingEmptySubsequences: false)
        location.append(field: 3, string: lines.map { " \($0)\n" }.joined())
      }
    }
    for (index, message) in messages.enumerated() {
      location([4, UInt64(index)], message.comment)
      for (position, field) in message.fields.enumerated() {
        location([4, UInt64(index), 2, UInt64(position)], field.comment)
      }
    }
    for (index, service) in services.enumerated() {
      location([6, UInt64(index)], service.comment)
      for (position, method) in service.methods.enumerated() {
        location([6, UInt64(index), 2, UInt64(position)], method.comment)
      }
    }
  }
}
