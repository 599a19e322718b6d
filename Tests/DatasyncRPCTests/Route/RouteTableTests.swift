import DatasyncHTTP2
import NIOCore
import Testing

@testable import DatasyncRPC

struct RouteTableTests {
  private var table: RouteTable {
    var table = RouteTable()
    table.add("/", answer: HTTPAnswer(body: "root"))
    table.add("/page", methods: ["GET"], answer: HTTPAnswer(body: "page"))
    return table
  }

  @Test(arguments: [
    ("GET", "/", 200, "root"), ("POST", "/", 200, "root"), ("HEAD", "/?a=/page", 200, "root"),
    ("GET", "/page", 200, "page"), ("HEAD", "/page", 200, "page"), ("GET", "/page?x", 200, "page"),
    ("POST", "/page", 405, "POST is not for this path: GET, HEAD\n"),
  ])
  func `a path answers with the methods that it has`(
    method: String, target: String, status: Int, body: String
  ) {
    let answer = table.answer(method: method, target: target)
    #expect(answer?.status == status)
    #expect(answer.map { String(buffer: $0.body) } == body)
    #expect(answer?.head["allow"] == (status == 405 ? "GET, HEAD" : nil))
  }

  @Test(arguments: ["", "/pag", "/page/", "page", "?"])
  func `what is not in the table has no answer`(target: String) {
    #expect(table.answer(method: "GET", target: target) == nil)
  }

  @Test func `an answer says the same in HTTP/2 and HTTP/1`() {
    let answer = HTTPAnswer(status: 505, body: "grün\n")
    #expect(answer.head[":status"] == "505")
    #expect(answer.head["content-length"] == "6")
    let text = answer.http1Text()
    #expect(text.hasPrefix("HTTP/1.1 505 HTTP Version Not Supported\r\n"))
    #expect(text.contains("\r\ncontent-length: 6\r\n"))
    #expect(text.hasSuffix("\r\nconnection: close\r\n\r\ngrün\n"))
    #expect(answer.http1Text(isHeadOnly: true).hasSuffix("connection: close\r\n\r\n"))
  }
}
