#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// Reads a row's protobuf message, from a client (checked) or from the store (trusted).
package enum RowDecoder {
  /// Reads what a client sent: types, ranges and forms are checked, values canonicalized.
  ///
  /// Unknown fields are skipped, so that clients with newer code keep working; of a repeated field
  /// the last one counts. System fields are decoded too; who ignores them is the caller's affair.
  ///
  /// - Parameter isWhole: Whether what is absent becomes its column's default; then a refusal names
  ///   also the columns that have none.
  /// - Throws: INVALID_ARGUMENT; reason MALFORMED_ENTITY, or BAD_VALUE with every field's name.
  package static func draft(
    of bytes: UnsafeRawBufferPointer, table: Table, isWhole: Bool = false
  ) throws(DatasyncError) -> RowDraft {
    var values = [Value?].absent(table.columns.count)
    var reader = WireReader(bytes)
    while true {
      let next: (number: Int, field: WireReader.Field)?
      do {
        next = try reader.next()
      } catch {
        throw malformed(table, at: reader.offset)
      }
      guard let next else { break }
      guard let index = table.index(ofNumber: next.number) else { continue }
      let column = table.columns[index]
      do {
        values[index] = try checked(next.field, column: column, table: table)
      } catch {
        throw faults(of: bytes, table: table, isWhole: isWhole).joined(to: error)
      }
    }
    return RowDraft(table: table, values: values)
  }

  /// What is wrong with a row that a client sent, in the order of columns.
  ///
  /// - Parameters:
  ///   - isWhole: As in ``draft(of:table:isWhole:)``.
  ///   - refuse: What else may be wrong with the value of a column, by position; nil: it is absent.
  package static func faults(
    of bytes: UnsafeRawBufferPointer, table: Table, isWhole: Bool,
    refuse: (_ index: Int, _ value: Value?) -> DatasyncError? = { _, _ in nil }
  ) -> RequestFaults {
    var values = [Value?].absent(table.columns.count)
    var refused: [Int: DatasyncError] = [:]
    var reader = WireReader(bytes)
    while let next = try? reader.next() {
      guard let index = table.index(ofNumber: next.number) else { continue }
      do {
        values[index] = try checked(next.field, column: table.columns[index], table: table)
      } catch {
        refused[index] = error
      }
    }
    var faults = RequestFaults()
    for (index, column) in table.columns.enumerated() {
      if let error = refused[index] ?? refuse(index, values[index]) {
        faults.note(error)
      } else if isWhole, values[index] == nil, column.needsValue, !column.hasDefault {
        faults.note(DatasyncError.valueMissing(column))
      }
    }
    return faults
  }

  /// Reads a stored image: every column's value, NULL where absent or of another type.
  ///
  /// - Parameter columns: The others are left NULL.
  package static func values(
    of image: UnsafeRawBufferPointer, table: Table, columns: ColumnMask = .all
  ) -> [Value] {
    var values = [Value].nulls(table.columns.count)
    var reader = WireReader(image)
    while let next = try? reader.next() {
      guard let index = table.index(ofNumber: next.number), columns.contains(index) else {
        continue
      }
      values[index] = stored(next.field, type: table.columns[index].type)
    }
    return values
  }

  /// A damaged image never fails: what follows the damage is NULL.
  package static func values(
    of image: RowImage, table: Table, columns: ColumnMask = .all
  ) -> [Value] {
    image.bytes.withUnsafeBytes { values(of: $0, table: table, columns: columns) }
  }

  /// Whether a stored image is a message to its end; one that a damaged file holds may not be.
  package static func isWhole(_ image: UnsafeRawBufferPointer) -> Bool {
    var reader = WireReader(image)
    do {
      while try reader.next() != nil {}
      return true
    } catch {
      return false
    }
  }

  /// Whether a stored image says `deleted`.
  package static func isDeleted(_ image: UnsafeRawBufferPointer) -> Bool {
    let number = SystemColumn.deleted.rawValue + 1
    var reader = WireReader(image)
    // Fields come in order of number.
    while let next = try? reader.next(), next.number <= number {
      if next.number == number, case .varint(let value) = next.field { return value != 0 }
    }
    return false
  }

  /// False where the image does not say, as in tables that delete for good.
  package static func isDeleted(_ image: RowImage) -> Bool {
    image.bytes.withUnsafeBytes { isDeleted($0) }
  }

  /// The sequence of the change that wrote a stored image; 0 where the image does not say.
  package static func version(_ image: RowImage) -> Sequence {
    let number = SystemColumn.version.rawValue + 1
    return image.bytes.withUnsafeBytes { bytes in
      var reader = WireReader(bytes)
      while let next = try? reader.next(), next.number <= number {
        if next.number == number, case .varint(let value) = next.field { return Sequence(value) }
      }
      return .zero
    }
  }

  /// The image with only the fields whose numbers are in the set, in their order.
  package static func image(
    _ image: UnsafeRawBufferPointer, keepingNumbers numbers: Set<Int>
  ) -> RowImage {
    var kept: [UInt8] = []
    kept.reserveCapacity(image.count)
    var reader = WireReader(image)
    var start = 0
    while let next = try? reader.next() {
      if numbers.contains(next.number) { kept.append(contentsOf: image[start..<reader.offset]) }
      start = reader.offset
    }
    return RowImage(bytes: kept)
  }

  /// Without ``RowFaults/fieldNumber`` in the set, the faults of the row are lost.
  package static func image(_ image: RowImage, keepingNumbers numbers: Set<Int>) -> RowImage {
    image.bytes.withUnsafeBytes { self.image($0, keepingNumbers: numbers) }
  }

  /// The field numbers whose bytes differ between two images of one row, in order.
  package static func changedNumbers(
    from before: UnsafeRawBufferPointer, to after: UnsafeRawBufferPointer
  ) -> [Int] {
    var old = FieldReader(before)
    var new = FieldReader(after)
    var changed: [Int] = []
    // Both in order of number.
    while let number = [old.number, new.number].compactMap(\.self).min() {
      let (left, right) = (old.take(number), new.take(number))
      if let left, let right, isSame(left, right) { continue }
      changed.append(number)
    }
    guard old.isInOrder, new.isInOrder else { return changedNumbers(fields(before), fields(after)) }
    return changed
  }

  /// A field may have megabytes.
  private static func isSame(
    _ left: UnsafeRawBufferPointer, _ right: UnsafeRawBufferPointer
  ) -> Bool {
    guard left.count == right.count else { return false }
    guard let left = left.baseAddress, let other = right.baseAddress else { return true }
    return memcmp(left, other, right.count) == 0
  }

  /// Of images that a damaged file holds.
  private static func changedNumbers(
    _ old: [Int: UnsafeRawBufferPointer], _ new: [Int: UnsafeRawBufferPointer]
  ) -> [Int] {
    Set(old.keys).union(new.keys).filter { number in
      guard let left = old[number], let right = new[number] else { return true }
      return !isSame(left, right)
    }.sorted()
  }

  private static func fields(_ image: UnsafeRawBufferPointer) -> [Int: UnsafeRawBufferPointer] {
    var fields: [Int: UnsafeRawBufferPointer] = [:]
    var reader = FieldReader(image)
    while let number = reader.number { fields[number] = reader.take(number) }
    return fields
  }

  /// Faults are one field, ``RowFaults/fieldNumber``: of several only the last is compared.
  package static func changedNumbers(from before: RowImage, to after: RowImage) -> [Int] {
    before.bytes.withUnsafeBytes { before in
      after.bytes.withUnsafeBytes { changedNumbers(from: before, to: $0) }
    }
  }

  /// Walks an image field by field. Confined to the lifetime of its bytes.
  private struct FieldReader {
    private let image: UnsafeRawBufferPointer
    private var reader: WireReader
    /// Of the field at hand; nil at the end.
    private(set) var number: Int?
    /// Whether each number so far was above the one before it.
    private(set) var isInOrder = true
    private var start = 0

    init(_ image: UnsafeRawBufferPointer) {
      self.image = image
      reader = WireReader(image)
      number = (try? reader.next())?.number
    }

    /// The whole field, if it has that number; goes on to the next then.
    mutating func take(_ wanted: Int) -> UnsafeRawBufferPointer? {
      guard number == wanted else { return nil }
      let field = UnsafeRawBufferPointer(rebasing: image[start..<reader.offset])
      start = reader.offset
      number = (try? reader.next())?.number
      if let number, number <= wanted { isInOrder = false }
      return field
    }
  }

  // MARK: - Values

  private static func malformed(_ table: Table, at offset: Int) -> DatasyncError {
    DatasyncError(
      .invalidArgument, reason: "MALFORMED_ENTITY",
      "the entity is not a \(table.messageName): its bytes are no protobuf message, near byte "
        + "\(offset + 1)")
  }

  private static func bad(
    _ column: Column, _ table: Table, _ description: String
  ) -> DatasyncError {
    .badField(
      column.name, reason: "BAD_VALUE", description,
      metadata: ["table": table.name, "column": column.name])
  }

  private static func checked(
    _ field: WireReader.Field, column: Column, table: Table
  ) throws(DatasyncError) -> Value {
    switch (column.type, field) {
    case (.bool, .varint(let value)):
      return .bool(value != 0)
    case (.int64, .varint(let value)):
      return .int64(Int64(bitPattern: value))
    case (.double, .fixed64(let bits)):
      let value = Double(bitPattern: bits)
      guard value.isFinite else {
        throw bad(column, table, "NaN and infinities cannot be stored")
      }
      return .double(value)
    case (.bytes, .bytes(let value)):
      return .bytes(Array(value))
    case (.timestamp, .bytes(let value)):
      return .timestamp(try timestamp(value, column, table))
    case (.string, .bytes(let value)):
      return .string(try text(value, column, table))
    case (.date, .bytes(let value)), (.timeOfDay, .bytes(let value)),
      (.decimal, .bytes(let value)), (.uuid, .bytes(let value)), (.json, .bytes(let value)),
      (.enumeration, .bytes(let value)):
      let text = try text(value, column, table)
      do {
        return .string(try CanonicalText.of(text, for: column.type))
      } catch {
        throw bad(column, table, error.description)
      }
    case (.bool, _), (.int64, _), (.double, _), (.string, _), (.bytes, _), (.timestamp, _),
      (.date, _), (.timeOfDay, _), (.decimal, _), (.uuid, _), (.json, _), (.enumeration, _):
      throw bad(column, table, "the field has another wire type than \(table.messageName) says")
    }
  }

  private static func text(
    _ bytes: UnsafeRawBufferPointer, _ column: Column, _ table: Table
  ) throws(DatasyncError) -> String {
    guard let text = String(utf8: bytes) else { throw bad(column, table, "not valid UTF-8") }
    guard !bytes.contains(0) else {
      throw bad(column, table, "text cannot hold a NUL character")
    }
    return text
  }

  private static func timestamp(
    _ bytes: UnsafeRawBufferPointer, _ column: Column, _ table: Table
  ) throws(DatasyncError) -> Int64 {
    var seconds: Int64 = 0
    var nanos: Int64 = 0
    var reader = WireReader(bytes)
    while true {
      let next: (number: Int, field: WireReader.Field)?
      do {
        next = try reader.next()
      } catch {
        throw bad(column, table, "not a google.protobuf.Timestamp")
      }
      guard let next else { break }
      if case (1, .varint(let value)) = next { seconds = Int64(bitPattern: value) }
      // nanos is an int32: the upper half of the varint does not count.
      if case (2, .varint(let value)) = next { nanos = Int64(Int32(truncatingIfNeeded: value)) }
    }
    let lowest = CivilTime.timestampRange.lowerBound / 1_000_000
    let highest = CivilTime.timestampRange.upperBound / 1_000_000
    guard (lowest...highest).contains(seconds) else {
      throw bad(column, table, "out of range: a timestamp lies in the years 0001 to 9999")
    }
    guard (0...999_999_999).contains(nanos) else {
      throw bad(column, table, "out of range: nanos lie in 0 to 999,999,999")
    }
    return seconds * 1_000_000 + nanos / 1000
  }

  private static func stored(_ field: WireReader.Field, type: ColumnType) -> Value {
    switch (type, field) {
    case (.bool, .varint(let value)): .bool(value != 0)
    case (.int64, .varint(let value)): .int64(Int64(bitPattern: value))
    case (.double, .fixed64(let bits)): .double(Double(bitPattern: bits))
    case (.bytes, .bytes(let value)): .bytes(Array(value))
    case (.timestamp, .bytes(let value)): storedTimestamp(value).map { .timestamp($0) } ?? .null
    case (.string, .bytes(let value)), (.date, .bytes(let value)), (.timeOfDay, .bytes(let value)),
      (.decimal, .bytes(let value)), (.uuid, .bytes(let value)), (.json, .bytes(let value)),
      (.enumeration, .bytes(let value)):
      .string(String(decoding: value, as: UTF8.self))
    case (.bool, _), (.int64, _), (.double, _), (.string, _), (.bytes, _), (.timestamp, _),
      (.date, _), (.timeOfDay, _), (.decimal, _), (.uuid, _), (.json, _), (.enumeration, _):
      .null
    }
  }

  /// nil where it is no moment that a row can hold: the bytes may be from a damaged file.
  package static func storedTimestamp(_ bytes: UnsafeRawBufferPointer) -> Int64? {
    var seconds: Int64 = 0
    var nanos: Int64 = 0
    var reader = WireReader(bytes)
    while let next = try? reader.next() {
      if case (1, .varint(let value)) = next { seconds = Int64(bitPattern: value) }
      if case (2, .varint(let value)) = next { nanos = Int64(Int32(truncatingIfNeeded: value)) }
    }
    let (whole, overflow) = seconds.multipliedReportingOverflow(by: 1_000_000)
    guard !overflow, CivilTime.timestampRange.contains(whole) else { return nil }
    return whole + nanos / 1000
  }
}
