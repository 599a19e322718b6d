import CDatasyncMessages
import DatasyncProtobuf

extension DescriptorPool.Index {
  /// A malformed file is left out.
  mutating func add(_ bytes: [UInt8]) {
    let arena = MessageArena()
    bytes.withUnsafeBytes { raw in
      try? arena.decode(raw, with: google__protobuf__file_descriptor_proto__unpack) {
        add($0, bytes)
      }
    }
  }

  private mutating func add(_ file: Google__Protobuf__FileDescriptorProto, _ bytes: [UInt8]) {
    guard let name = file.name.text else { return }
    files[name] = DescriptorPool.File(
      name: name, bytes: bytes,
      dependencies: UnsafeBufferPointer(start: file.dependency, count: file.n_dependency)
        .compactMap(\.text))
    let scope = file.package.text ?? ""
    each(file.message_type, file.n_message_type) { add($0, scope, name) }
    each(file.enum_type, file.n_enum_type) { add($0, scope, name) }
    each(file.extension, file.n_extension) { add(extension: $0, scope, name) }
    each(file.service, file.n_service) { service in
      let service = (full: join(scope, service.name), value: service)
      symbols[service.full] = name
      each(service.value.method, service.value.n_method) {
        symbols[join(service.full, $0.name)] = name
      }
    }
  }

  private mutating func add(
    _ message: Google__Protobuf__DescriptorProto, _ scope: String, _ file: String
  ) {
    let full = join(scope, message.name)
    symbols[full] = file
    each(message.field, message.n_field) { symbols[join(full, $0.name)] = file }
    each(message.oneof_decl, message.n_oneof_decl) { symbols[join(full, $0.name)] = file }
    each(message.nested_type, message.n_nested_type) { add($0, full, file) }
    each(message.enum_type, message.n_enum_type) { add($0, full, file) }
    each(message.extension, message.n_extension) { add(extension: $0, full, file) }
  }

  /// The values of an enum stand beside it, as in C++.
  private mutating func add(
    _ type: Google__Protobuf__EnumDescriptorProto, _ scope: String, _ file: String
  ) {
    let full = join(scope, type.name)
    symbols[full] = file
    each(type.value, type.n_value) {
      symbols[join(scope, $0.name)] = file
      symbols[join(full, $0.name)] = file
    }
  }

  private mutating func add(
    extension field: Google__Protobuf__FieldDescriptorProto, _ scope: String, _ file: String
  ) {
    symbols[join(scope, field.name)] = file
    guard let extendee = field.extendee.text else { return }
    let type = extendee.hasPrefix(".") ? String(extendee.dropFirst()) : extendee
    extensions[type, default: [:]][field.number] = file
  }

  private func join(_ scope: String, _ name: ProtobufCBinaryData) -> String {
    let name = name.text ?? ""
    return scope.isEmpty ? name : "\(scope).\(name)"
  }

  private func each<Element>(
    _ array: UnsafeMutablePointer<UnsafeMutablePointer<Element>?>?, _ count: Int,
    _ body: (Element) -> Void
  ) {
    for case let element? in UnsafeBufferPointer(start: array, count: count) {
      body(element.pointee)
    }
  }
}
