import Logging
import NIOSSL

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// Whether certificates are within their time. Namespace.
enum CertificateTime {
  /// Told of so long before it ends.
  static let noticeDays = 30
  private static let secondsPerDay = 86_400

  static func isValid(_ certificate: NIOSSLCertificate, at now: time_t) -> Bool {
    certificate.notValidBefore <= now && now <= certificate.notValidAfter
  }

  /// Warns of each of the server's certificates that clients do not take, or soon will not.
  static func report(_ chain: [NIOSSLCertificate], at now: time_t, to logger: Logger) {
    for certificate in chain {
      guard let fault = fault(of: certificate, at: now) else { continue }
      logger.warning(
        "the server's certificate \(fault)",
        metadata: [
          "subject": "\(CertificateSubject.text(of: certificate) ?? "")",
          "from": "\(text(certificate.notValidBefore))",
          "until": "\(text(certificate.notValidAfter))",
          "do": "renew --tls-cert and --tls-key, then send SIGHUP",
        ])
    }
  }

  static func fault(of certificate: NIOSSLCertificate, at now: time_t) -> String? {
    if certificate.notValidBefore > now { return "is not valid yet" }
    if certificate.notValidAfter < now { return "has expired" }
    guard certificate.notValidAfter - now < noticeDays * secondsPerDay else { return nil }
    return "expires soon"
  }

  /// `2026-03-31T00:00:00Z`.
  private static func text(_ time: time_t) -> String {
    var (time, parts) = (time, tm())
    gmtime_r(&time, &parts)
    return withUnsafeTemporaryAllocation(of: CChar.self, capacity: 32) { buffer in
      guard let start = buffer.baseAddress,
        strftime(start, buffer.count, "%Y-%m-%dT%H:%M:%SZ", &parts) > 0
      else { return "" }
      return String(cString: start)
    }
  }
}
