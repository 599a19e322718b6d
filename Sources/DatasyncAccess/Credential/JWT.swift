import DatasyncModel

/// A signed token in its three parts, not verified yet. A value. Source: RFC 7515, 7519.
struct JWT {
  static let maxBytes = 16 << 10

  let algorithm: SigningAlgorithm
  let keyID: String?
  /// Nothing in them is true until the signature is.
  let claims: [String: JSONValue]
  let signature: [UInt8]
  /// What is signed.
  let message: [UInt8]

  init(parsing text: String) throws(CredentialFault) {
    guard text.utf8.count <= JWT.maxBytes else {
      throw .invalid("the token has more than \(JWT.maxBytes) bytes")
    }
    let parts = text.split(separator: ".", omittingEmptySubsequences: false)
    guard parts.count == 3, let head = Base64.bytes(ofURLText: parts[0]),
      let body = Base64.bytes(ofURLText: parts[1]),
      let signature = Base64.bytes(ofURLText: parts[2])
    else { throw .invalid("the token is unknown, and no JWT") }
    let header = try JWT.object(head, "header")
    // One that is null is as if left out.
    claims = try JWT.object(body, "claims").filter { !$0.value.isNull }
    guard case .string(let name)? = header["alg"], let algorithm = SigningAlgorithm(rawValue: name)
    else { throw .invalid("alg is missing or none that is taken") }
    guard header["crit"] == nil else { throw .invalid("the token has crit") }
    switch header["kid"] {
    case nil: keyID = nil
    case .string(let id): keyID = id
    default: throw .invalid("kid is no text")
    }
    self.algorithm = algorithm
    self.signature = signature
    message = Array(text.utf8.prefix(parts[0].utf8.count + 1 + parts[1].utf8.count))
  }

  private static func object(
    _ bytes: [UInt8], _ name: String
  ) throws(CredentialFault) -> [String: JSONValue] {
    let value: JSONValue
    do throws(JSONFault) {
      value = try JSONValue(parsing: bytes)
    } catch {
      throw .invalid("the \(name): \(error.reason)")
    }
    guard case .object(let object) = value else { throw .invalid("the \(name) are no object") }
    return object
  }

  // MARK: - Claims

  /// nil where it is missing.
  func text(_ name: String) throws(CredentialFault) -> String? {
    switch claims[name] {
    case nil: return nil
    case .string(let text): return text
    default: throw .invalid("\(name.shortened) is no text")
    }
  }

  /// Microseconds since 1970 of a number of seconds; nil where it is missing.
  func moment(_ name: String) throws(CredentialFault) -> Int64? {
    guard let value = claims[name] else { return nil }
    guard case .number(let text) = value, let seconds = Double(text), seconds.isFinite else {
      throw .invalid("\(name) is no number")
    }
    let microseconds = (seconds * 1_000_000).rounded(.down)
    guard let moment = Int64(exactly: microseconds), CivilTime.timestampRange.contains(moment)
    else { throw .invalid("\(name) is not within the years 1 to 9999") }
    return moment
  }

  /// A list of texts, or one text that is split at spaces.
  func names(_ claim: String) throws(CredentialFault) -> Set<String> {
    switch claims[claim] {
    case nil: return []
    case .string(let text): return Set(text.split(separator: " ").map(String.init))
    case .array(let elements):
      var names: Set<String> = []
      for element in elements {
        guard case .string(let name) = element else {
          throw .invalid("\(claim.shortened) holds what is no text")
        }
        names.insert(name)
      }
      return names
    default: throw .invalid("\(claim.shortened) is neither a list nor a text")
    }
  }

  /// Whether it is meant for an audience.
  func isFor(_ audience: String) throws(CredentialFault) -> Bool {
    switch claims["aud"] {
    case nil: return false
    case .string(let text): return text.isSame(as: audience)
    case .array(let elements):
      var isFor = false
      for element in elements {
        guard case .string(let name) = element else {
          throw .invalid("aud holds what is no text")
        }
        isFor = isFor || name.isSame(as: audience)
      }
      return isFor
    default: throw .invalid("aud is neither a list nor a text")
    }
  }
}

extension String {
  /// Byte by byte, where Swift would take canonical equivalence for equality.
  func isSame(as other: String) -> Bool { utf8.elementsEqual(other.utf8) }
}
