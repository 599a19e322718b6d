/// The outcome of a call. A value. Source: grpc/doc/statuscodes.md.
package struct Status: Error, Hashable, Sendable {
  package struct Code: RawRepresentable, Hashable, Sendable {
    package let rawValue: Int

    package init(rawValue: Int) {
      self.rawValue = rawValue
    }

    package static let ok = Code(rawValue: 0)
    package static let cancelled = Code(rawValue: 1)
    package static let unknown = Code(rawValue: 2)
    package static let invalidArgument = Code(rawValue: 3)
    package static let deadlineExceeded = Code(rawValue: 4)
    package static let notFound = Code(rawValue: 5)
    package static let alreadyExists = Code(rawValue: 6)
    package static let permissionDenied = Code(rawValue: 7)
    package static let resourceExhausted = Code(rawValue: 8)
    package static let failedPrecondition = Code(rawValue: 9)
    package static let aborted = Code(rawValue: 10)
    package static let outOfRange = Code(rawValue: 11)
    package static let unimplemented = Code(rawValue: 12)
    package static let `internal` = Code(rawValue: 13)
    package static let unavailable = Code(rawValue: 14)
    package static let dataLoss = Code(rawValue: 15)
    package static let unauthenticated = Code(rawValue: 16)
  }

  package var code: Code
  package var message: String
  /// A serialized google.rpc.Status for `grpc-status-details-bin`; empty: none. Longer than
  /// ``maxDetailsBytes`` they are not sent.
  package var details: [UInt8]

  package init(_ code: Code, _ message: String = "", details: [UInt8] = []) {
    self.code = code
    self.message = message
    self.details = details
  }

  package static let ok = Status(.ok)

  /// Clients refuse trailers over 8 KiB, in base64, and with them the status itself.
  package static let maxDetailsBytes = 5120
}
