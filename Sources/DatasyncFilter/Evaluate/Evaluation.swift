/// What the evaluation of a filter goes by, beside the row. A value.
struct Evaluation {
  /// The moment of `now()`, microseconds since 1970 UTC.
  let now: Int64
  /// Where the filter has text functions.
  let memo: TextMemo?
}
