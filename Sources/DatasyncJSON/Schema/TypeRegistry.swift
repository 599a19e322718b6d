/// The message types by name, which an Any may hold: immutable, shared by reference.
///
/// One may stand over another, as the tables' types, which come and go, over the contract's. Types are
/// found by position too; those of the registry below keep theirs.
package final class TypeRegistry: Sendable {
  let messages: [MessageSchema]
  let enums: [EnumSchema]
  private let byName: NameTable
  private let base: TypeRegistry?

  /// Nothing at all.
  package static let empty = TypeRegistry(files: [])

  /// - Parameters:
  ///   - files: Serialized google.protobuf.FileDescriptorProto, in any order. What is malformed in them
  ///     is left out, and so is a field whose type is nowhere.
  ///   - base: What they may name; where both have a type, that of the base counts.
  /// - Complexity: O(n) in the bytes of the files and the types of the base.
  package init(files: [[UInt8]], over base: TypeRegistry? = nil) {
    var reading = DescriptorReading(base: base)
    for file in files { reading.add(file: file) }
    reading.resolve()
    messages = reading.messages
    enums = reading.enums
    byName = reading.messageNames
    self.base = base
  }

  /// - Parameter set: A serialized google.protobuf.FileDescriptorSet, with imports.
  package convenience init(fileDescriptorSet set: [UInt8], over base: TypeRegistry? = nil) {
    self.init(files: DescriptorReading.files(inSet: set), over: base)
  }

  /// - Parameter fullName: Without a dot or a URL before it.
  package func message(named fullName: String) -> MessageSchema? {
    var fullName = fullName
    return fullName.withUTF8 { message(named: UnsafeRawBufferPointer($0)) }
  }

  func message(named fullName: UnsafeRawBufferPointer) -> MessageSchema? {
    position(ofMessage: fullName).map { messages[$0] }
  }

  func position(ofMessage fullName: UnsafeRawBufferPointer) -> Int? {
    base?.position(ofMessage: fullName) ?? byName[fullName]
  }

  /// - Parameter url: `type.googleapis.com/tables.TodoItems`; what stands before the last slash is the
  ///   caller's affair.
  func message(url: UnsafeRawBufferPointer) -> MessageSchema? {
    let start = url.lastIndex(of: UInt8(ascii: "/")).map { $0 + 1 } ?? 0
    return message(named: UnsafeRawBufferPointer(rebasing: url[start...]))
  }
}
