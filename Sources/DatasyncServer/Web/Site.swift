import CDatasyncPages
import DatasyncRPC
import NIOCore

/// The files within the program, as the web listener serves them. Namespace.
enum Site {
  /// By path; `index.html` stands for its folder.
  static let files: [String: WebFile] = {
    var files: [String: WebFile] = [:]
    for index in 0..<datasync_page_count() {
      let page = datasync_page_at(index)
      let name = String(cString: page.name)
      let bytes = UnsafeRawBufferPointer(start: page.bytes, count: page.count)
      files[path(of: name)] = file(name, bytes)
    }
    return files
  }()

  static func path(of name: String) -> String {
    let index = "index.html"
    return "/" + (name.hasSuffix(index) ? String(name.dropLast(index.count)) : name)
  }

  private static func file(_ name: String, _ bytes: UnsafeRawBufferPointer) -> WebFile {
    let digits = Array("0123456789abcdef")
    var hash = SHA256()
    hash.update(bytes)
    let tag = hash.digest().prefix(12).map { byte in
      "\(digits[Int(byte >> 4)])\(digits[Int(byte & 15)])"
    }.joined()
    return WebFile(
      ByteBuffer(bytes: bytes), contentType: contentType(of: name), tag: tag,
      others: name.hasSuffix(".html") ? [pagePolicy] : [])
  }

  /// A page runs and shows what this server gave, asks this server, and is in nobody's frame.
  private static let pagePolicy = (
    "content-security-policy",
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
      + "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
      + "require-trusted-types-for 'script'"
  )

  static func contentType(of name: String) -> String {
    switch name.split(separator: ".").last {
    case "html": "text/html; charset=utf-8"
    case "js": "text/javascript; charset=utf-8"
    case "css": "text/css; charset=utf-8"
    case "svg": "image/svg+xml"
    case "png": "image/png"
    case "json": "application/json"
    // TypeScript has no type of its own, and is to be read.
    default: "text/plain; charset=utf-8"
    }
  }
}
