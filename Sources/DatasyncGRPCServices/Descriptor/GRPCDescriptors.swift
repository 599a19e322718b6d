import CDatasyncGRPCMessages

/// The descriptors of gRPC's own services, made by protoc. Namespace.
package enum GRPCDescriptors {
  /// A serialized google.protobuf.FileDescriptorSet with all imports.
  package static var set: [UInt8] {
    Array(
      UnsafeBufferPointer(
        start: datasync_grpc_descriptor_set_bytes(), count: datasync_grpc_descriptor_set_size))
  }
}
