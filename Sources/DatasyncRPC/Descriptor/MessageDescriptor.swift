import CDatasyncMessages

/// The descriptor of a generated message, as its own initializer names it: Swift sees C's global
/// only as a copy, which protobuf-c must not keep a pointer to.
func descriptor<Message>(
  _ type: Message.Type, _ zero: Message, _ initialize: (UnsafeMutablePointer<Message>?) -> Void
) -> UnsafePointer<ProtobufCMessageDescriptor> {
  var message = zero
  return withUnsafeMutablePointer(to: &message) { message in
    initialize(message)
    return message.withMemoryRebound(to: ProtobufCMessage.self, capacity: 1) {
      $0.pointee.descriptor
    }
  }
}
