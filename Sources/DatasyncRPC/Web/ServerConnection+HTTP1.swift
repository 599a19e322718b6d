import DatasyncHTTP1
import DatasyncHTTP2

// What comes over HTTP/1.
extension ServerConnection: HTTP1ConnectionDelegate {
  func streamOpened(_ stream: HTTP1Stream) {
    let stream = ServerStream.http1(stream)
    guard let web = options.web, takeWeb(stream, web) else {
      return AnswerExchange.start(stream, WebAnswer.noGRPC, isHeadOnly: false)
    }
  }

  func answer(to fault: HTTP1Fault) -> HTTPAnswer {
    WebAnswer.text(fault.status, fault.sentence)
  }
}
