extension ProtoFile {
  /// The .proto file, for protoc, buf and swift-protobuf.
  package var text: String {
    var lines = ["syntax = \"proto3\";", "", "package \(package);", ""]
    lines += dependencies.map { "import \"\($0)\";" }
    for service in services {
      lines.append("")
      lines += ProtoFile.comment(service.comment, indent: "")
      lines.append("service \(service.name) {")
      for method in service.methods {
        lines += ProtoFile.comment(method.comment, indent: "  ")
        let stream = method.isServerStreaming ? "stream " : ""
        let rpc = "  rpc \(method.name)(\(method.input)) returns (\(stream)\(method.output))"
        lines +=
          method.hasSideEffects
          ? [rpc + ";"]
          : [rpc + " {", "    option idempotency_level = NO_SIDE_EFFECTS;", "  }"]
      }
      lines.append("}")
    }
    for message in messages {
      lines.append("")
      lines += ProtoFile.comment(message.comment, indent: "")
      lines.append("message \(message.name) {")
      for field in message.fields {
        lines += ProtoFile.comment(field.comment, indent: "  ")
        lines.append("  \(field.label.keyword)\(field.kind.name) \(field.name) = \(field.number);")
      }
      lines.append("}")
    }
    return lines.joined(separator: "\n") + "\n"
  }

  private static func comment(_ text: String, indent: String) -> [String] {
    guard !text.isEmpty else { return [] }
    return text.split(separator: "\n", omittingEmptySubsequences: false).map { line in
      line.isEmpty ? "\(indent)//" : "\(indent)// \(line)"
    }
  }
}

extension ProtoFile.Field.Label {
  fileprivate var keyword: String {
    switch self {
    case .singular: ""
    case .optional: "optional "
    case .repeated: "repeated "
    }
  }
}

extension ProtoFile.Field.Kind {
  /// A leading dot keeps a table's own names from hiding the package that is meant.
  fileprivate var name: String {
    switch self {
    case .scalar(let scalar): scalar.name
    case .message(let name), .enumeration(let name): ".\(name)"
    }
  }
}
