import NIOCore
import Testing

@testable import DatasyncRPC

struct ConnectErrorTests {
  @Test
  func `A code has a name and a status of HTTP`() {
    let statuses = (0...17).map { ConnectError(Status(Status.Code(rawValue: $0))).httpStatus }
    #expect(
      statuses == [
        500, 499, 500, 400, 504, 404, 409, 403, 429, 400, 409, 400, 501, 500, 503, 500, 401, 500,
      ])
    #expect(String(buffer: ConnectError(Status(.cancelled)).json(nil)) == #"{"code":"canceled"}"#)
  }

  @Test
  func `A message is quoted`() {
    let error = ConnectError(Status(.unknown, "a\"b\\c\nd\u{1}é"))
    #expect(
      String(buffer: error.json(nil))
        == #"{"code":"unknown","message":"a\"b\\c\u000ad\u0001é"}"#)
  }

  /// google.rpc.Status with a RetryInfo of some seconds and nanoseconds.
  private func status(seconds: UInt8, nanoseconds: UInt8) -> Status {
    let delay: [UInt8] = [0x08, seconds, 0x10, nanoseconds]
    let info = [0x0A, UInt8(delay.count)] + delay
    let url = Array("type.googleapis.com/google.rpc.RetryInfo".utf8)
    let any = [0x0A, UInt8(url.count)] + url + [0x12, UInt8(info.count)] + info
    return Status(.unavailable, details: [0x08, 14, 0x1A, UInt8(any.count)] + any)
  }

  @Test
  func `The time to wait is rounded up`() {
    #expect(ConnectError(status(seconds: 2, nanoseconds: 0)).retryAfterSeconds == 2)
    #expect(ConnectError(status(seconds: 2, nanoseconds: 1)).retryAfterSeconds == 3)
    #expect(ConnectError(Status(.unavailable)).retryAfterSeconds == nil)
  }

  @Test
  func `Details have a type and a value, and damage ends them`() {
    let whole = status(seconds: 1, nanoseconds: 0)
    #expect(
      String(buffer: ConnectError(whole).json(nil))
        == #"{"code":"unavailable","details":[{"type":"google.rpc.RetryInfo","value":"CgQIARAA"}]}"#
    )
    for count in whole.details.indices {
      let cut = Status(.unavailable, details: Array(whole.details.prefix(count)))
      _ = ConnectError(cut).json(nil)
    }
  }
}
