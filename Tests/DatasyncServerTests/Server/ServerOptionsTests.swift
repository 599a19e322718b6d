import DatasyncRPC
import Testing

@testable import DatasyncServer

/// The limits of `datasync serve`.
struct ServerOptionsTests {
  @Test(arguments: ServerOptions.limits.settings.map(\.name))
  func `each limit is set by its name, and no other with it`(_ name: String) throws {
    let settings = ServerOptions.limits.settings
    let setting = try #require(settings.first { $0.name == name })
    let defaults = ServerOptions()
    for bound in [setting.range.lowerBound, setting.range.upperBound] {
      var options = ServerOptions()
      try ServerOptions.limits.apply(
        "\(name)=\(LimitValue.text(bound, setting.unit))", to: &options)
      #expect(setting.get(options) == bound)
      for other in settings where other.name != name {
        #expect(other.get(options) == other.get(defaults), "\(other.name)")
      }
    }
  }

  @Test func `names are given once, and those of the wire are all there`() {
    let names = ServerOptions.limits.settings.map(\.name)
    #expect(Set(names).count == names.count)
    #expect(Set(names).isSuperset(of: RPCOptions.limits.settings.map(\.name)))
  }
}
