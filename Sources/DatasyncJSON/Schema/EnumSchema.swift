/// The names and numbers of an enum. Immutable, shared by reference.
package final class EnumSchema: Sendable {
  /// Without the dot before it.
  package let fullName: String
  /// google.protobuf.NullValue is `null` in JSON.
  let isNull: Bool
  private let numbers: [Int32]
  private let names: [String]
  private let byName: NameTable
  private let declared: [Int32]

  /// - Parameter values: In the order of declaration; of several names of a number the first is written.
  init(fullName: String, values: [(name: String, number: Int32)]) {
    self.fullName = fullName
    isNull = fullName == "google.protobuf.NullValue"
    var table = NameTable()
    for (index, value) in values.enumerated() { table.insert(value.name, index) }
    byName = table
    declared = values.map(\.number)
    var first: [Int32: String] = [:]
    for value in values where first[value.number] == nil { first[value.number] = value.name }
    numbers = first.keys.sorted()
    names = numbers.map { first[$0] ?? "" }
  }

  /// Nil: nothing has that number.
  package func name(of number: Int32) -> String? {
    var low = 0
    var high = numbers.count
    while low < high {
      let middle = (low + high) / 2
      if numbers[middle] < number { low = middle + 1 } else { high = middle }
    }
    return low < numbers.count && numbers[low] == number ? names[low] : nil
  }

  func number(of name: UnsafeRawBufferPointer) -> Int32? {
    byName[name].map { declared[$0] }
  }

  /// What an unknown name may have meant.
  var allNames: [String] { names }
}
