import ArgumentParser

/// HOST:PORT, with the host in brackets where it is an IPv6 address. A value.
struct ListenAddress: ExpressibleByArgument, CustomStringConvertible {
  let host: String
  /// 0: the system picks one.
  let port: Int

  init?(argument: String) {
    guard let colon = argument.lastIndex(of: ":") else { return nil }
    var host = argument[..<colon]
    if host.hasPrefix("["), host.hasSuffix("]") { host = host.dropFirst().dropLast() }
    guard !host.isEmpty, let port = Int(argument[argument.index(after: colon)...]),
      (0...65535).contains(port)
    else { return nil }
    self.host = String(host)
    self.port = port
  }

  /// Whether only this machine can reach it.
  var isLoopback: Bool {
    host == "localhost" || host == "::1" || host.hasPrefix("127.")
  }

  var description: String { ListenAddress.text(host: host, port: port) }

  static func text(host: String, port: Int) -> String {
    host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
  }
}
