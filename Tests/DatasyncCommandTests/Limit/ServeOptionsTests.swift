import DatasyncRPC
import Testing

@testable import datasync

/// The limits of `datasync serve`.
struct ServeOptionsTests {
  @Test(arguments: ServeOptions.limits.settings.map(\.name))
  func `each limit is set by its name, and no other with it`(_ name: String) throws {
    let settings = ServeOptions.limits.settings
    let setting = try #require(settings.first { $0.name == name })
    let defaults = ServeOptions()
    for bound in [setting.range.lowerBound, setting.range.upperBound] {
      var options = ServeOptions()
      try ServeOptions.limits.apply(
        "\(name)=\(LimitValue.text(bound, setting.unit))", to: &options)
      #expect(setting.get(options) == bound)
      for other in settings where other.name != name {
        #expect(other.get(options) == other.get(defaults), "\(other.name)")
      }
    }
  }

  @Test func `names are given once, and those of the wire are all there`() {
    let names = ServeOptions.limits.settings.map(\.name)
    #expect(Set(names).count == names.count)
    #expect(Set(names).isSuperset(of: RPCOptions.limits.settings.map(\.name)))
  }
}
