import ArgumentParser
import DatasyncRPC

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// The PEM files that TLS is made from; read anew on SIGHUP. A value.
struct TLSFiles: Sendable {
  static let maxBytes = 1 << 20

  let certificate: String
  let privateKey: String
  let clientAuthorities: String?

  /// - Throws: ValidationError, where a file cannot be read.
  func credentials() throws -> TLSCredentials {
    TLSCredentials(
      certificateChain: try Self.bytes(of: certificate),
      privateKey: try Self.bytes(of: privateKey),
      clientAuthorities: try clientAuthorities.map(Self.bytes(of:)))
  }

  private static func bytes(of path: String) throws -> [UInt8] {
    guard let file = fopen(path, "re") else {
      throw ValidationError("cannot read \(path): \(String(cString: strerror(errno)))")
    }
    defer { fclose(file) }
    var bytes = [UInt8](repeating: 0, count: maxBytes)
    bytes.removeLast(maxBytes - fread(&bytes, 1, maxBytes, file))
    guard ferror(file) == 0, fgetc(file) == EOF else {
      throw ValidationError("\(path) cannot be read, or is larger than \(maxBytes) bytes")
    }
    return bytes
  }
}
