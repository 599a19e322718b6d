import DatasyncHTTP2
import NIOCore
import Testing

@testable import DatasyncRPC

/// Limits by name.
struct LimitTableTests {
  private func reason(of text: String) -> String? {
    var options = RPCOptions()
    do throws(LimitFault) {
      try RPCOptions.limits.apply(text, to: &options)
      return nil
    } catch {
      return error.description
    }
  }

  @Test func `what strikes under a name is set under that name`() {
    let names = Set(RPCOptions.limits.settings.map(\.name))
    for limit in Limit.allCases { #expect(names.contains(limit.rawValue)) }
    #expect(names.count == RPCOptions.limits.settings.count)
  }

  @Test(arguments: RPCOptions.limits.settings.map(\.name))
  func `each limit is set by its name to its bounds, and no other with it`(_ name: String) throws {
    let settings = RPCOptions.limits.settings
    let setting = try #require(settings.first { $0.name == name })
    let defaults = RPCOptions()
    for bound in [setting.range.lowerBound, setting.range.upperBound] {
      var options = RPCOptions()
      let text = LimitValue.text(bound, setting.unit)
      try RPCOptions.limits.apply("\(name)=\(text)", to: &options)
      #expect(setting.get(options) == bound)
      for other in settings where other.name != name {
        #expect(other.get(options) == other.get(defaults), "\(other.name)")
      }
    }
    let value = setting.get(defaults)
    #expect(value.map { setting.range.contains($0) } ?? (setting.unit == .optionalTime))
    var options = RPCOptions()
    let text = LimitValue.text(value, setting.unit)
    #expect(throws: Never.self) {
      try RPCOptions.limits.apply("\(name)=\(text)", to: &options)
    }
    #expect(setting.get(options) == value)
  }

  @Test func `values are read in their units`() throws {
    var options = RPCOptions()
    for text in [
      "max_message_bytes=64KiB", "stream_window_bytes=2MiB", "max_connections=7",
      "write_timeout=1500ms", "max_age=2h", "max_idle=3m", "max_age_grace=none", "drain_grace=0s",
      "keepalive_time=1d",
    ] {
      try RPCOptions.limits.apply(text, to: &options)
    }
    #expect(options.maxMessageBytes == 65_536)
    #expect(options.http2.streamWindowBytes == 2 << 20)
    #expect(options.maxConnections == 7)
    #expect(options.http2.writeTimeout == .milliseconds(1500))
    #expect(options.http2.maxConnectionAge == .hours(2))
    #expect(options.http2.maxConnectionIdle == .minutes(3))
    #expect(options.http2.maxConnectionAgeGrace == nil)
    #expect(options.drainGrace == .zero)
    #expect(options.http2.keepaliveTime == .hours(24))
  }

  @Test(arguments: [
    ("max_connections", "NAME=VALUE"),
    ("max_conections=5", "like it are max_"),
    ("max-connections=5", "like it are max_connections"),
    ("walrus=5", "there is no limit of that name"),
    ("=5", "there is no limit of that name"),
    ("max_connections=", "not a whole number"),
    ("max_connections=-1", "not a whole number"),
    ("max_connections=5.0", "not a whole number"),
    ("max_connections=5KiB", "not a whole number"),
    ("max_connections=٣", "not a whole number"),
    ("max_connections=0", "out of range; 1 to 1000000"),
    ("max_connections=none", "not a whole number"),
    ("max_connections=99999999999999999999", "not a whole number"),
    ("max_message_bytes=5kb", "units are KiB, MiB and GiB"),
    ("max_message_bytes=2GiB", "out of range; 1 to 1GiB"),
    ("max_message_bytes=9999999999GiB", "not a number of bytes"),
    ("stream_window_bytes=1", "out of range; 65535 to 2147483647"),
    ("write_timeout=500", "units are ms, s, m, h and d"),
    ("write_timeout=5 s", "units are ms, s, m, h and d"),
    ("write_timeout=none", "units are ms, s, m, h and d"),
    ("write_timeout=s", "units are ms, s, m, h and d"),
    ("write_timeout=0s", "out of range; 1ms to 365d"),
    ("max_idle=never", "neither none nor a time"),
  ])
  func `what cannot be set is refused by name, with what would be right`(
    _ text: String, _ words: String
  ) throws {
    let fault = try #require(reason(of: text))
    #expect(fault.contains(words))
    #expect(fault.hasPrefix(text.prefix { $0 != "=" }))
  }

  @Test func `the list has a line for each limit with its default and range`() throws {
    let lines = RPCOptions.limits.text(of: RPCOptions()).split(separator: "\n")
    #expect(lines.count == RPCOptions.limits.settings.count)
    let line = try #require(lines.first { $0.hasPrefix("max_header_list_bytes ") })
    #expect(line.contains(" 16KiB ") && line.hasSuffix("(1KiB to 16MiB)"))
    #expect(lines.first { $0.hasPrefix("max_idle ") }?.contains(" none ") == true)
  }
}
