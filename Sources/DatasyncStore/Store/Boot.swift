#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// The time since the system was last started.
enum Boot {
  /// Names it; another one after a power loss. The same always where the system does not tell.
  static let id: String = {
    #if canImport(Glibc)
      let descriptor = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC)
      guard descriptor >= 0 else { return "unknown" }
      defer { close(descriptor) }
      var buffer = [UInt8](repeating: 0, count: 64)
      let count = read(descriptor, &buffer, buffer.count)
      let text = String(decoding: buffer[..<max(0, count)], as: UTF8.self)
      return text.split(whereSeparator: \.isWhitespace).first.map(String.init) ?? "unknown"
    #else
      var size = 0
      guard sysctlbyname("kern.bootsessionuuid", nil, &size, nil, 0) == 0, size > 1 else {
        return "unknown"
      }
      var buffer = [UInt8](repeating: 0, count: size)
      guard sysctlbyname("kern.bootsessionuuid", &buffer, &size, nil, 0) == 0 else {
        return "unknown"
      }
      return String(decoding: buffer.prefix(size - 1), as: UTF8.self)
    #endif
  }()
}
