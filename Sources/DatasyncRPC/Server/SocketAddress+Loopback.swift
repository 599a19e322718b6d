import NIOCore

extension SocketAddress {
  /// 127.0.0.0/8, ::1, the first within IPv6, or a path in the file system.
  var isLoopback: Bool {
    switch self {
    case .v4: ipAddress?.hasPrefix("127.") ?? false
    case .v6: ipAddress == "::1" || (ipAddress?.lowercased().hasPrefix("::ffff:127.") ?? false)
    case .unixDomainSocket: true
    }
  }
}
