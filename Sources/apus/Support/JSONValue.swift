/// Any JSON value, for passing metadata through as it is.
indirect enum JSONValue: Codable, CustomStringConvertible {
  case null
  case flag(Bool)
  case number(Double)
  case text(String)
  case list([JSONValue])
  case object([String: JSONValue])

  init(from decoder: any Decoder) throws {
    let box = try decoder.singleValueContainer()
    if box.decodeNil() {
      self = .null
    } else if let value = try? box.decode(Bool.self) {
      self = .flag(value)
    } else if let value = try? box.decode(Double.self) {
      self = .number(value)
    } else if let value = try? box.decode(String.self) {
      self = .text(value)
    } else if let value = try? box.decode([JSONValue].self) {
      self = .list(value)
    } else {
      self = .object(try box.decode([String: JSONValue].self))
    }
  }

  func encode(to encoder: any Encoder) throws {
    var box = encoder.singleValueContainer()
    switch self {
    case .null: try box.encodeNil()
    case .flag(let value): try box.encode(value)
    case .number(let value):
      if let whole = Int(exactly: value) { try box.encode(whole) } else { try box.encode(value) }
    case .text(let value): try box.encode(value)
    case .list(let value): try box.encode(value)
    case .object(let value): try box.encode(value)
    }
  }

  /// As a person reads it.
  var description: String {
    switch self {
    case .null: "nothing"
    case .flag(let value): "\(value)"
    case .number(let value): Int(exactly: value).map(String.init) ?? "\(value)"
    case .text(let value): value
    case .list(let values): values.map(\.description).joined(separator: ", ")
    case .object(let values):
      values.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" }.joined(separator: ", ")
    }
  }
}
