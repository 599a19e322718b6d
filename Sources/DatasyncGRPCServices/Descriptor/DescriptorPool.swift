import CDatasyncMessages
import DatasyncProtobuf
import Synchronization

/// The descriptors that reflection gives out, by file and by symbol. Sendable.
///
/// One part is there from the start; the other is made at run time and replaced as a whole.
package final class DescriptorPool: Sendable {
  struct File: Sendable {
    let name: String
    /// A serialized google.protobuf.FileDescriptorProto, as it was given.
    let bytes: [UInt8]
    let dependencies: [String]
  }

  struct Index: Sendable {
    var files: [String: File] = [:]
    /// The file of every service, method, message, enum, value, field, oneof and extension.
    var symbols: [String: String] = [:]
    /// The file of an extension, by the type that it extends and its number.
    var extensions: [String: [Int32: String]] = [:]
  }

  /// The part that is replaced: made when somebody first asks for it, since few do.
  private struct Dynamic: Sendable {
    var make: (@Sendable () -> [[UInt8]])?
    var index = Index()
    var generation = 0
  }

  private let fixed: Index
  private let dynamic: Mutex<Dynamic>

  /// - Parameter fileDescriptorSets: Serialized google.protobuf.FileDescriptorSet, with imports. What
  ///   is malformed in them is left out.
  package init(fileDescriptorSets: [[UInt8]] = []) {
    var index = Index()
    for set in fileDescriptorSets {
      for file in Self.files(inSet: set) { index.add(file) }
    }
    fixed = index
    dynamic = Mutex(Dynamic())
  }

  /// - Parameter files: Gives serialized google.protobuf.FileDescriptorProto; called once or not at all,
  ///   by whoever looks up something first, or more often where several do at once.
  package func replaceDynamic(files: @escaping @Sendable () -> [[UInt8]]) {
    dynamic.withLock { $0 = Dynamic(make: files, generation: $0.generation + 1) }
  }

  /// Nobody waits while it is made.
  private var dynamicIndex: Index {
    let known = dynamic.withLock { $0 }
    guard let make = known.make else { return known.index }
    var index = Index()
    for file in make() { index.add(file) }
    let made = Dynamic(index: index, generation: known.generation)
    dynamic.withLock { if $0.generation == made.generation { $0 = made } }
    return made.index
  }

  // MARK: - Looking up

  /// The serialized file.
  package func file(named name: String) -> [UInt8]? {
    lookUp { $0.files[name] }?.bytes
  }

  /// - Parameter symbol: A full name without a dot before it; values of an enum beside the enum or in it.
  /// - Returns: Nil: unknown. Where both parts have it, the fixed one counts.
  package func fileName(containing symbol: String) -> String? {
    lookUp { $0.symbols[symbol] }
  }

  /// - Parameter type: The full name of the message that is extended, without a dot before it.
  /// - Returns: Nil: unknown.
  package func fileName(containingExtension number: Int32, of type: String) -> String? {
    lookUp { $0.extensions[type]?[number] }
  }

  /// Nil: the type is unknown.
  package func extensionNumbers(of type: String) -> [Int32]? {
    guard fileName(containing: type) != nil else { return nil }
    let dynamic = dynamicIndex.extensions[type] ?? [:]
    return Set(fixed.extensions[type, default: [:]].keys).union(dynamic.keys).sorted()
  }

  /// The file and all that it imports, itself first; those that are not known are left out.
  package func transitiveFiles(of name: String) -> [(name: String, bytes: [UInt8])] {
    let dynamic = dynamicIndex
    var seen: Set<String> = [name]
    var queue = [name]
    var files: [(name: String, bytes: [UInt8])] = []
    var next = 0
    while next < queue.count {
      defer { next += 1 }
      guard let file = fixed.files[queue[next]] ?? dynamic.files[queue[next]] else { continue }
      files.append((file.name, file.bytes))
      for dependency in file.dependencies where seen.insert(dependency).inserted {
        queue.append(dependency)
      }
    }
    return files
  }

  private func lookUp<Found: Sendable>(_ find: (Index) -> Found?) -> Found? {
    find(fixed) ?? find(dynamicIndex)
  }

  /// The raw bytes of each file: field 1 of the set.
  private static func files(inSet bytes: [UInt8]) -> [[UInt8]] {
    var files: [[UInt8]] = []
    var index = 0
    func varint() -> Int? {
      var value: UInt64 = 0
      for shift in stride(from: UInt64(0), to: 64, by: 7) {
        guard index < bytes.count else { return nil }
        let byte = bytes[index]
        index += 1
        value |= UInt64(byte & 0x7F) << shift
        if byte & 0x80 == 0 { return Int(truncatingIfNeeded: value) }
      }
      return nil
    }
    while index < bytes.count {
      guard varint() == 0x0A, let length = varint(), length >= 0, length <= bytes.count - index
      else { break }
      files.append(Array(bytes[index..<index + length]))
      index += length
    }
    return files
  }
}
