import CDatasyncNghttp2

/// A list of fields that never changes, made once for the process in nghttp2's own form: to send it
/// costs no more than the library takes. Sendable.
///
/// `@unchecked`: the memory is written once, before anybody has the value, and never freed.
package struct FixedFields: @unchecked Sendable {
  let fields: UnsafeMutableBufferPointer<nghttp2_nv>

  /// Once for each list in the process: what it takes is never given back. Names are in lower case.
  package init(_ list: [(name: StaticString, value: StaticString)]) {
    fields = .allocate(capacity: list.count)
    let flags = NGHTTP2_NV_FLAG_NO_COPY_NAME.rawValue | NGHTTP2_NV_FLAG_NO_COPY_VALUE.rawValue
    for (index, field) in list.enumerated() {
      fields.initializeElement(
        at: index,
        to: nghttp2_nv(
          name: UnsafeMutablePointer(mutating: field.name.utf8Start),
          value: UnsafeMutablePointer(mutating: field.value.utf8Start),
          namelen: field.name.utf8CodeUnitCount, valuelen: field.value.utf8CodeUnitCount,
          flags: UInt8(flags)))
    }
  }
}

extension HeaderBlock {
  /// A copy, for what is no nghttp2.
  package init(_ fixed: FixedFields) {
    self.init()
    for field in fixed.fields {
      add(
        UnsafeRawBufferPointer(start: field.name, count: field.namelen),
        UnsafeRawBufferPointer(start: field.value, count: field.valuelen))
    }
  }
}
