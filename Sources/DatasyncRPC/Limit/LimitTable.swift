/// Limits by their names. A value.
package struct LimitTable<Options>: Sendable {
  /// In the order in which they are listed.
  package let settings: [LimitSetting<Options>]

  /// Names are not compared: of two that are the same, the first is set.
  package init(_ settings: [LimitSetting<Options>]) {
    self.settings = settings
  }

  /// Sets what `NAME=VALUE` says.
  ///
  /// - Throws: ``LimitFault``.
  package func apply(_ text: String, to options: inout Options) throws(LimitFault) {
    guard let equals = text.firstIndex(of: "=") else {
      throw LimitFault("\(text): a limit is set by NAME=VALUE")
    }
    let name = text[..<equals]
    guard let setting = settings.first(where: { $0.name == name }) else {
      throw LimitFault("\(name): there is no limit of that name\(suggestion(for: name))")
    }
    setting.set(&options, try LimitValue.parse(text[text.index(after: equals)...], for: setting))
  }

  /// Names that have the most words of this one.
  private func suggestion(for name: Substring) -> String {
    let words = Set(name.lowercased().split { !$0.isLetter })
    let ranked = settings.map { setting in
      (
        name: setting.name,
        count: words.intersection(
          setting.name.split(separator: "_").map(String.init).map { Substring($0) }
        ).count
      )
    }
    guard let best = ranked.map(\.count).max(), best > 0 else { return "" }
    let names = ranked.filter { $0.count == best }.prefix(3).map(\.name)
    return "; like it are \(names.joined(separator: ", "))"
  }

  /// A line for each, with its value in the options.
  package func text(of options: Options) -> String {
    let rows = settings.map { setting in
      (
        setting.name, LimitValue.text(setting.get(options), setting.unit),
        LimitValue.range(of: setting), setting.meaning
      )
    }
    let widths = (rows.map(\.0.count).max() ?? 0, rows.map(\.1.count).max() ?? 0)
    return rows.map { name, value, range, meaning in
      name.padded(to: widths.0) + "  " + value.padded(to: widths.1) + "  \(meaning) (\(range))\n"
    }.joined()
  }
}

extension String {
  fileprivate func padded(to width: Int) -> String {
    self + String(repeating: " ", count: max(0, width - count))
  }
}
