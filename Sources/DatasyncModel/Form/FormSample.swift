/// One value, as evidence of its column's form. A value.
struct FormSample {
  /// The form; of numbers of decimals, `.fixed(0)`.
  let form: ColumnForm
  /// How many there are, where the form has seconds.
  var decimals: Int?
  var endsInZero = false
  /// Whether the form, with the decimals, would write it so.
  var isRegular = true
  /// Whether it is no evidence for the case of letters.
  var isCaseless = false

  private init(_ form: ColumnForm) {
    self.form = form
  }

  /// - Parameter form: For the collation.
  /// - Returns: nil for NULL, for numbers in a time column and for what is unreadable.
  init?(_ stored: StoredValue, type: ColumnType, form: ColumnForm) {
    guard stored != .null, let value = try? FormReader.value(stored, type: type, form: form) else {
      return nil
    }
    guard case .text(let bytes) = stored else {
      switch type {
      case .timestamp: return nil
      case .bool: self.init(.flag(.integer))
      case .uuid: self.init(.uuid(.blob))
      case .decimal: self.init(.decimal(.real))
      default: self.init(form.fits(type) ? form : .initial(for: type))
      }
      isRegular =
        (try? FormWriter.stored(value, type: type, form: self.form))?.equals(stored) ?? false
      return
    }
    let sample = bytes.withUnsafeBytes { FormSample(text: $0, value, type: type, form: form) }
    guard let sample else { return nil }
    self = sample
  }

  private init?(
    text: UnsafeRawBufferPointer, _ value: Value, type: ColumnType, form: ColumnForm
  ) {
    switch type {
    case .timestamp, .date:
      guard let scan = TimeScan(text) else { return nil }
      self.init(scan)
    case .timeOfDay:
      guard let (scan, isDated) = ClockText.scan(text) else { return nil }
      let precision = scan.hasSeconds ? TimeText.Precision.seconds(.fixed(0)) : .minutes
      self.init(.clock(ClockText(precision: precision, isDated: isDated)), scan)
    case .bool:
      guard let found = FlagForm.form(of: text) else { return nil }
      self.init(.flag(found.form))
      isRegular = found.isRegular
    case .uuid:
      guard let scan = UUIDForm.Scan(text) else { return nil }
      self.init(
        .uuid(.text(isUppercase: scan.hasCapitals && !scan.hasSmalls, hasHyphens: scan.hasHyphens)))
      isRegular = !(scan.hasCapitals && scan.hasSmalls)
      isCaseless = !scan.hasCapitals && !scan.hasSmalls
    case .decimal: self.init(.decimal(.text))
    case .enumeration:
      self.init(form.fits(type) ? form : .initial(for: type))
      if case .string(let declared) = value { isRegular = text.elementsEqual(declared.utf8) }
    case .bytes:
      self.init(.declared)
      isRegular = false
    case .string, .json: self.init(.declared)
    case .int64, .double: return nil
    }
  }

  private init(_ scan: TimeScan) {
    guard scan.hasTime else {
      self.init(.time(.date), scan)
      return
    }
    let precision = scan.hasSeconds ? TimeText.Precision.seconds(.fixed(0)) : .minutes
    self.init(
      .time(TimeText(separator: scan.separator, precision: precision, offset: scan.offset)), scan)
  }

  private init(_ form: ColumnForm, _ scan: TimeScan) {
    self.init(form)
    decimals = scan.hasSeconds ? scan.decimals : nil
    endsInZero = scan.endsInZero
    isRegular = scan.isRegular
  }
}
