import Testing

@testable import DatasyncHTTP2

struct ConnectionLifeTests {
  /// What can happen to a connection.
  enum Event {
    case added, started, preface, settingsDue, peerSettings, drain, noticeSent, answered, closed
    case lost
  }

  /// What each said, one after the other; none is left out.
  private func results(
    _ events: [Event], _ role: HTTP2Role = .server, expectsPreface: Bool = false
  ) -> (results: [String], isActive: Bool, isServing: Bool, isFinal: Bool, hasEnded: Bool) {
    var life = ConnectionLife(role: role)
    life.expectsPreface = expectsPreface
    var results: [String] = []
    for event in events {
      switch event {
      case .added: life.added()
      case .started: results.append("\(life.started())")
      case .preface: results.append("\(life.prefaceReceived())")
      case .settingsDue: results.append("\(life.settingsDue())")
      case .peerSettings: results.append("\(life.peerSettingsReceived())")
      case .drain: results.append("\(life.drainAsked(reason: "old"))")
      case .noticeSent: results.append("\(life.noticeSent())")
      case .answered: results.append("\(life.noticeAnswered())")
      case .closed: results.append("\(life.closed())")
      case .lost: results.append("\(life.channelLost())")
      }
    }
    return (results, life.isActive, life.isServing, life.isFinal, life.hasEnded)
  }

  private static let goAway = "sendGoAway(reason: \"old\")"

  @Test(arguments: [
    // Events, whether a preface is awaited, what they give.
    ([Event.started], false, ["none"]),
    ([.added, .started], false, ["sendSettings"]),
    ([.added, .started, .started], false, ["sendSettings", "none"]),
    ([.added, .started, .preface], false, ["sendSettings", "none"]),
    ([.added, .started, .preface, .preface], true, ["awaitPreface", "sendSettings", "none"]),
    ([.added, .preface, .started], true, ["none", "awaitPreface"]),
    ([.added, .closed, .started], false, ["linger", "none"]),
    ([.added, .started, .lost, .preface], true, ["awaitPreface", "end", "none"]),
    ([.added, .drain, .started], false, ["sendNotice", "sendSettings"]),
  ])
  func `it opens once, and says nothing before it knows that the peer speaks HTTP/2`(
    events: [Event], expectsPreface: Bool, expected: [String]
  ) {
    #expect(results(events, expectsPreface: expectsPreface).results == expected)
  }

  @Test(arguments: [
    ([Event.settingsDue, .settingsDue], ["submit", "none"]),
    ([.peerSettings, .peerSettings, .peerSettings], ["begun", "changed", "changed"]),
  ])
  func `settings come first, once`(events: [Event], expected: [String]) {
    #expect(results([.added] + events).results == expected)
    #expect(results([.added, .started] + events).results.dropFirst() == expected[...])
  }

  @Test(arguments: [
    (HTTP2Role.server, [Event.drain, .noticeSent, .answered], ["sendNotice", "ping", goAway]),
    (.server, [.drain, .drain, .answered], ["sendNotice", "none", goAway]),
    (.server, [.drain, .answered, .answered], ["sendNotice", goAway, "none"]),
    // The second GOAWAY is no notice, nor is one that tells of a fault.
    (.server, [.drain, .answered, .noticeSent], ["sendNotice", goAway, "none"]),
    (.server, [.noticeSent, .answered], ["none", "none"]),
    (.server, [.drain, .closed, .answered], ["sendNotice", "linger", "none"]),
    (.server, [.closed, .drain], ["linger", "none"]),
    (.server, [.lost, .drain], ["end", "none"]),
    (.client, [.drain, .noticeSent, .answered, .drain], ["finish", "none", "none", "none"]),
  ])
  func `a server says twice that it drains, a client to nobody`(
    role: HTTP2Role, events: [Event], expected: [String]
  ) {
    #expect(results([.added, .started] + events, role).results.dropFirst() == expected[...])
  }

  @Test(arguments: [
    ([Event.closed, .closed], ["linger", "none"]),
    ([.closed, .lost, .lost], ["linger", "end", "none"]),
    ([.lost, .closed, .lost], ["end", "none", "none"]),
    ([.drain, .answered, .closed, .lost], ["sendNotice", goAway, "linger", "end"]),
  ])
  func `it ends once, with a word before or without`(events: [Event], expected: [String]) {
    let life = results([.added, .started] + events)
    #expect(life.results.dropFirst() == expected[...])
    #expect(!life.isActive && !life.isServing && !life.isFinal)
    #expect(life.hasEnded == events.contains { $0 == .lost })
  }

  @Test func `what was in no channel has none to lose`() {
    #expect(results([.lost]).results == ["none"])
    #expect(results([.lost, .added, .started]).results == ["none", "sendSettings"])
  }

  @Test(arguments: [
    ([Event](), false, false, false), ([.added], true, true, false),
    ([.added, .started], true, true, false), ([.added, .started, .drain], true, false, false),
    ([.added, .started, .drain, .answered], true, false, true),
    ([.added, .started, .closed], false, false, false),
  ])
  func `streams are begun while it serves, and those of the peer until the last word`(
    events: [Event], isActive: Bool, isServing: Bool, isFinal: Bool
  ) {
    let life = results(events)
    #expect(life.isActive == isActive)
    #expect(life.isServing == isServing)
    #expect(life.isFinal == isFinal)
    #expect(!life.hasEnded)
  }
}
