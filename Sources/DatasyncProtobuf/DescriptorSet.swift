import CDatasyncMessages

/// The descriptors of all contracts in `proto/`, made by protoc.
package enum DescriptorSet {
  /// A serialized google.protobuf.FileDescriptorSet with all imports.
  package static var datasync: [UInt8] {
    Array(
      UnsafeBufferPointer(
        start: datasync_descriptor_set_bytes(), count: datasync_descriptor_set_size)
    )
  }
}
