import DatasyncAccess
import DatasyncModel
import DatasyncRPC
import DatasyncStore
import NIOCore

extension DatabaseServer {
  /// Where a server listens, with which certificates, and what it may take. A value.
  public struct Configuration: Sendable {
    /// PEM files of the certificates; read at the start and by ``DatabaseServer/reloadCertificates()``.
    public struct TLS: Sendable {
      /// The server's chain, its own certificate first.
      public var certificateChain: String
      /// Of its own certificate.
      public var privateKey: String
      /// The authorities whose client certificates are demanded; nil: none are.
      public var clientAuthorities: String?

      /// - Parameters: Paths of PEM files.
      public init(certificateChain: String, privateKey: String, clientAuthorities: String? = nil) {
        self.certificateChain = certificateChain
        self.privateKey = privateKey
        self.clientAuthorities = clientAuthorities
      }
    }

    /// Where it listens for gRPC clients; port 0 picks one that is free. Nil: nowhere.
    public var address: ServerAddress? = ServerAddress(host: "127.0.0.1", port: 50051)
    /// Where it listens for those as well as for programs that are no gRPC clients, in Connect's protocol;
    /// nil: nowhere.
    public var webAddress: ServerAddress?
    /// Of pages that may ask there, as `https://app.example.com`, beside those of the address itself.
    public var webOrigins: [String] = []
    /// Names by which programs ask there without TLS, beside `localhost`, the name in ``webAddress`` and
    /// those in ``webOrigins``; without ports. Requests for other names are refused: a page of anybody's
    /// may make a browser take its name for this server's address.
    public var webHosts: [String] = []
    /// nil: cleartext, HTTP/2 with prior knowledge.
    public var tls: TLS?
    /// Whether cleartext is meant on an address that other machines can reach.
    public var allowsPlaintext = false
    /// Threads that serve connections, 1 to 1024.
    public var eventLoopCount = System.coreCount

    /// Path of the access file, which says who may see and do what; nil: everybody who reaches the server
    /// may see and do everything.
    public var accessFile: String?

    /// As set so far; ``checkedOptions()`` gives those that a server may run with.
    package var options = ServerOptions()

    /// On 127.0.0.1:50051, in cleartext, with the limits' defaults.
    public init() {}

    /// Sets a limit by the name that `datasync limits` lists it under.
    ///
    /// - Parameters:
    ///   - name: As `max_connections`.
    ///   - value: As `500`, `64MiB` or `90s`.
    /// - Throws: ``ServerError`` where there is no such limit, or the value is none for it.
    public mutating func setLimit(_ name: String, to value: String) throws(ServerError) {
      do {
        try ServerOptions.limits.apply("\(name)=\(value)", to: &options)
      } catch {
        throw ServerError("\(error)")
      }
    }

    /// - Throws: ``ServerError``: the first fault of the access file.
    func accessControl(for catalog: Catalog) throws(ServerError) -> AccessControl? {
      guard let accessFile else { return nil }
      let access: AccessControl
      do throws(AccessFault) {
        access = try AccessControl(
          path: accessFile, contents: FileContents(reading: AccessFile.maxBytes), catalog: catalog,
          maxMembershipValues: options.service.maxMembershipValues)
      } catch {
        throw ServerError(error.description)
      }
      guard !access.takesCertificates || tls?.clientAuthorities != nil else {
        throw ServerError(
          "\(accessFile): credentials.certificates: no client shows one: "
            + "give the authorities of theirs with --tls-client-ca")
      }
      return access
    }

    /// With what follows from others of them.
    ///
    /// - Throws: ``ServerError``: what cannot be together.
    package func checkedOptions() throws(ServerError) -> ServerOptions {
      let addresses = [address, webAddress].compactMap(\.self)
      guard !addresses.isEmpty else {
        throw ServerError("there is no address to listen on: give one for gRPC, or one for the web")
      }
      let isExposed = { (address: ServerAddress) in !address.isLoopback }
      if let address = addresses.first(where: isExposed), !allowsPlaintext, tls == nil {
        throw ServerError(
          "\(address.host) can be reached by other machines, and there is no TLS: "
            + "give a certificate and its key, or allow plaintext if that is meant")
      }
      if let origin = webOrigins.first(where: { WebOptions.origin($0) == nil }) {
        throw ServerError("an origin is as https://app.example.com, not '\(origin)'")
      }
      if let host = webHosts.first(where: { !WebOptions.isHostName($0) }) {
        throw ServerError("a host is a name as app.example.com, without a port, not '\(host)'")
      }
      guard (1...1024).contains(eventLoopCount) else {
        throw ServerError("there are 1 to 1024 event loops, not \(eventLoopCount)")
      }
      var options = options
      options.service.maxMessageBytes = options.rpc.maxMessageBytes
      guard options.service.defaultPageSize <= options.service.maxPageSize else {
        throw ServerError("page_size is not to be more than max_page_size")
      }
      return options
    }
  }
}
