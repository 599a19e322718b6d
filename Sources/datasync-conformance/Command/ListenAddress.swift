import ArgumentParser

/// Where to listen. A value.
struct ListenAddress {
  let host: String
  let port: Int

  init(host: String, port: Int) {
    self.host = host
    self.port = port
  }

  /// `127.0.0.1:50051`, `[::1]:50051`.
  init(parsing text: String) throws {
    guard let colon = text.lastIndex(of: ":"), let port = UInt16(text[text.index(after: colon)...])
    else { throw ValidationError("\(text) is not HOST:PORT") }
    var host = text[..<colon]
    if host.first == "[", host.last == "]" { host = host.dropFirst().dropLast() }
    self.init(host: String(host), port: Int(port))
  }
}
