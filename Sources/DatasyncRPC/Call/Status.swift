/// The outcome of a call. A value. Source: grpc/doc/statuscodes.md.
package struct Status: Error, Hashable, Sendable {
  /// What kind of outcome; what a client may do about it hangs on this alone. A value.
  package struct Code: RawRepresentable, Hashable, Sendable {
    /// 0...16; another is read as it came, and sent as UNKNOWN.
    package let rawValue: Int

    package init(rawValue: Int) {
      self.rawValue = rawValue
    }

    package static let ok = Code(rawValue: 0)
    /// By the client, mostly, which then no longer looks for a status.
    package static let cancelled = Code(rawValue: 1)
    /// A failure that nobody gave a code, or a response without a status.
    package static let unknown = Code(rawValue: 2)
    /// The request is wrong, whatever the state of the database.
    package static let invalidArgument = Code(rawValue: 3)
    /// The deadline has passed; the work may have been done all the same.
    package static let deadlineExceeded = Code(rawValue: 4)
    /// What the request names does not exist.
    package static let notFound = Code(rawValue: 5)
    /// What the request would create exists.
    package static let alreadyExists = Code(rawValue: 6)
    /// The client may not do this, and to show who it is would not help.
    package static let permissionDenied = Code(rawValue: 7)
    /// A limit is reached; the message names it.
    package static let resourceExhausted = Code(rawValue: 8)
    /// Not in this state of things: the same again is of no use until somebody has changed it.
    package static let failedPrecondition = Code(rawValue: 9)
    /// A conflict with others: to be tried again from the beginning, not this call alone.
    package static let aborted = Code(rawValue: 10)
    /// Beyond what there is, such as history that was compacted.
    package static let outOfRange = Code(rawValue: 11)
    /// No such service or method, an encoding that is not ours, or not one message where one is due.
    package static let unimplemented = Code(rawValue: 12)
    /// Broken protocol, or the server's own fault.
    package static let `internal` = Code(rawValue: 13)
    /// Not now: the same call may be tried again, after a pause.
    package static let unavailable = Code(rawValue: 14)
    /// The database is damaged, or not what it was.
    package static let dataLoss = Code(rawValue: 15)
    /// Who the client is was not shown, or not believed.
    package static let unauthenticated = Code(rawValue: 16)
  }

  package var code: Code
  /// Read by the peer, so that no secrets belong in it. Cut after 1024 bytes in percent-encoding; not sent
  /// with OK, as the details are not.
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
