/// The ways to write one time of day: `02:14`, `02:14:00`, `02:14:00.0` … A value.
struct TimeForms {
  /// The shortest first; each begins with the one before.
  let all: [String]

  /// - Parameter canonical: `HH:MM:SS`, with decimals that do not end in 0.
  init(_ canonical: String) {
    var forms = canonical.hasSuffix(":00") ? [String(canonical.dropLast(3))] : []
    forms.append(canonical)
    var longer = canonical.utf8.count == 8 ? canonical + "." : canonical
    while longer.utf8.count < 15 {
      longer += "0"
      forms.append(longer)
    }
    all = forms
  }

  var shortest: String { all[0] }
  var longest: String { all[all.count - 1] }
}
