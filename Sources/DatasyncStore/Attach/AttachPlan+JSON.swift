extension AttachPlan {
  /// The same for programs: one JSON object.
  package var json: String {
    let tables = items.map(\.json).joined(separator: ",")
    let refused = skipped.map {
      "{\"table\":\($0.table.jsonQuoted),\"reason\":\($0.reason.jsonQuoted)}"
    }
    return "{\"database\":\(path.jsonQuoted),\"tables\":[\(tables)],"
      + "\"not_attached\":[\(refused.joined(separator: ","))]}"
  }
}

extension AttachPlan.Item {
  fileprivate var json: String {
    let columns = columns.map { column in
      var fields = [
        "\"name\":\(column.field.jsonQuoted)", "\"stored_name\":\(column.storedName.jsonQuoted)",
        "\"type\":\(column.type.jsonQuoted)", "\"key\":\(column.isKey)",
        "\"generated\":\(column.isGenerated)",
      ]
      if let form = column.form { fields.append("\"form\":\(form.jsonQuoted)") }
      return "{\(fields.joined(separator: ","))}"
    }
    let softDelete =
      switch deletes {
      case .remove: "null"
      case .mark(let column): column.jsonQuoted
      }
    let added = addedColumns.map(\.jsonQuoted).joined(separator: ",")
    let key =
      columns.isEmpty ? "null" : (self.columns.first(where: \.isKey)?.field ?? "").jsonQuoted
    return "{\"table\":\(table.jsonQuoted),\"placement\":\"\(isBeside ? "beside" : "within")\","
      + (notWithin.map { "\"not_within\":\($0.jsonQuoted)," } ?? "")
      + "\"key\":\(key),\"rows\":\(rowCount),\"attached\":\(isAttached),\"moved\":\(isMoved),"
      + "\"soft_delete\":\(softDelete),\"added_columns\":[\(added)],"
      + "\"columns\":[\(columns.joined(separator: ","))]}"
  }
}

extension String {
  /// As a JSON string.
  var jsonQuoted: String {
    var result = "\""
    for scalar in unicodeScalars {
      switch scalar {
      case "\"": result += "\\\""
      case "\\": result += "\\\\"
      case "\u{00}"..."\u{1F}", "\u{7F}", "\u{2028}", "\u{2029}":
        let digits = String(scalar.value, radix: 16)
        result += "\\u" + String(repeating: "0", count: 4 - digits.utf8.count) + digits
      default: result.unicodeScalars.append(scalar)
      }
    }
    return result + "\""
  }
}
