import Basics
import Fields
import Yams

/// One mapping of a run file, read strictly: every key must be one of `Key`, every value of its type
/// and in its range, and every error names file, line and column.
///
/// The same `Key` is the `CodingKeys` of the struct that is read, so a run file's canonical text
/// (`RunFile.canonicalText`) has the keys of the file itself.
struct Section<Key: RawRepresentable & CaseIterable & Hashable> where Key.RawValue == String {
  let source: Source
  private let nodes: [Key: Node]
  private let mark: Mark?
  private let name: String

  /// Reads `node` as a mapping; refuses unknown and repeated keys before any value is looked at.
  init(_ node: Node, keys: Key.Type, source: Source, name: String) throws {
    guard let mapping = node.mapping else {
      throw source.error(
        at: node.mark, name, "wrong type", found: describe(node), expected: "a mapping of keys to values")
    }
    var nodes: [Key: Node] = [:]
    for (keyNode, value) in mapping {
      let text = keyNode.string ?? "?"
      guard let key = Key(rawValue: text) else {
        let known = Key.allCases.map(\.rawValue)
        let advice =
          Spelling.nearest(to: text, among: known).map { "Did you mean '\($0)'?" }
          ?? "Known here: \(known.sorted().joined(separator: ", "))."
        throw source.error(at: keyNode.mark, text, "unknown key", advice: advice)
      }
      nodes[key] = value
    }
    self.nodes = nodes
    self.source = source
    self.name = name
    mark = node.mark
  }

  /// Whether the key is there and not empty.
  func has(_ key: Key) -> Bool { node(key) != nil }

  /// The value's node, nil where absent or `null`.
  func node(_ key: Key) -> Node? {
    guard let node = nodes[key], node.scalar == nil || node.null == nil else { return nil }
    return node
  }

  /// Refuses a value for a reason of the caller's.
  func refuse(
    _ key: Key, _ problem: String, found: String? = nil, expected: String? = nil, advice: String? = nil
  ) -> ApusError {
    source.error(
      at: nodes[key]?.mark ?? mark, key.rawValue, problem, found: found, expected: expected, advice: advice)
  }

  private func required<Value>(_ key: Key, _ value: Value?) throws -> Value {
    if let value { return value }
    throw source.error(at: nodes[key]?.mark ?? mark, key.rawValue, "missing key in \(name)")
  }

  private func wrongType(_ key: Key, _ node: Node, _ expected: String) -> ApusError {
    source.error(at: node.mark, key.rawValue, "wrong type", found: describe(node), expected: expected)
  }

  // MARK: - Values, nil where absent

  func optionalString(_ key: Key) throws -> String? {
    guard let node = node(key) else { return nil }
    guard let text = node.scalar?.string, !text.isEmpty else { throw wrongType(key, node, "a text") }
    return text
  }

  func optionalNumber(_ key: Key, in range: ClosedRange<Double>? = nil, above: Double? = nil) throws
    -> Double?
  {
    guard let node = node(key) else { return nil }
    guard let value = node.number else { throw wrongType(key, node, "a number") }
    if let range, !range.contains(value) {
      throw refuse(
        key, "out of range", found: describe(node),
        expected: "\(plain(range.lowerBound)) to \(plain(range.upperBound))")
    }
    if let above, value <= above {
      throw refuse(key, "out of range", found: describe(node), expected: "above \(plain(above))")
    }
    return value
  }

  func optionalInteger(_ key: Key, in range: ClosedRange<Int>) throws -> Int? {
    guard let node = node(key) else { return nil }
    guard let value = node.wholeNumber else { throw wrongType(key, node, "a whole number") }
    guard range.contains(value) else {
      let bound =
        range.upperBound == .max
        ? "at least \(range.lowerBound)" : "\(range.lowerBound) to \(range.upperBound)"
      throw refuse(key, "out of range", found: "\(value)", expected: bound)
    }
    return value
  }

  func optionalFlag(_ key: Key) throws -> Bool? {
    guard let node = node(key) else { return nil }
    guard let value = node.bool else { throw wrongType(key, node, "true or false") }
    return value
  }

  func optionalInstant(_ key: Key) throws -> Instant? {
    guard let node = node(key) else { return nil }
    return try instant(node, key)
  }

  func optionalStrings(_ key: Key) throws -> [String]? {
    guard let node = node(key) else { return nil }
    if let text = node.scalar?.string { return [text] }
    guard let items = node.sequence else { throw wrongType(key, node, "a list of texts") }
    return try items.map { item in
      guard let text = item.scalar?.string, !text.isEmpty else { throw wrongType(key, item, "a text") }
      return text
    }
  }

  func numbers(_ key: Key) throws -> [Double]? {
    guard let node = node(key) else { return nil }
    guard let items = node.sequence else { throw wrongType(key, node, "a list of numbers") }
    return try items.map { item in
      guard let value = item.number else { throw wrongType(key, item, "a number") }
      return value
    }
  }

  func wholeNumbers(_ key: Key, in range: ClosedRange<Int>) throws -> [Int]? {
    guard let node = node(key) else { return nil }
    let items = node.sequence.map(Array.init) ?? [node]
    return try items.map { item in
      guard let value = item.wholeNumber, range.contains(value) else {
        throw source.error(
          at: item.mark, key.rawValue, "wrong value", found: describe(item),
          expected: "whole numbers from \(range.lowerBound) to \(range.upperBound)")
      }
      return value
    }
  }

  /// Non-negative numbers by free names; empty where absent.
  func numbersByName(_ key: Key) throws -> [String: Double] {
    guard let node = node(key) else { return [:] }
    guard let mapping = node.mapping else { throw wrongType(key, node, "a mapping of names to numbers") }
    var values: [String: Double] = [:]
    for (nameNode, item) in mapping {
      let name = nameNode.string ?? "?"
      guard let value = item.number, value >= 0 else {
        throw source.error(
          at: item.mark, name, "wrong value in \(key.rawValue)", found: describe(item),
          expected: "a number, 0 or more")
      }
      values[name] = value
    }
    return values
  }

  /// Lists of texts by free names; empty where absent.
  func stringsByName(_ key: Key) throws -> [String: [String]] {
    guard let node = node(key) else { return [:] }
    guard let mapping = node.mapping else { throw wrongType(key, node, "a mapping of names to lists") }
    var values: [String: [String]] = [:]
    for (nameNode, item) in mapping {
      let items = item.sequence.map(Array.init) ?? [item]
      let texts = items.compactMap { $0.scalar?.string }.filter { !$0.isEmpty }
      guard texts.count == items.count else {
        throw source.error(
          at: item.mark, nameNode.string ?? "?", "wrong value in \(key.rawValue)", found: describe(item),
          expected: "a list of numbers or texts")
      }
      values[nameNode.string ?? "?"] = texts
    }
    return values
  }

  func optionalChoice<Choice: RawRepresentable & CaseIterable>(_ key: Key, _ choices: Choice.Type) throws
    -> Choice? where Choice.RawValue == String
  {
    guard let node = node(key) else { return nil }
    let text = node.scalar?.string ?? ""
    if let choice = Choice(rawValue: text) { return choice }
    let known = Choice.allCases.map(\.rawValue)
    throw refuse(
      key, "unknown choice", found: describe(node), expected: known.joined(separator: " or "),
      advice: Spelling.nearest(to: text, among: known).map { "Did you mean '\($0)'?" })
  }

  // MARK: - Values that must be there, or have a default

  func string(_ key: Key) throws -> String { try required(key, optionalString(key)) }
  func strings(_ key: Key) throws -> [String] {
    let list = try required(key, optionalStrings(key))
    if list.isEmpty { throw refuse(key, "empty list", expected: "at least one entry") }
    return list
  }
  func integer(_ key: Key, in range: ClosedRange<Int> = 1...Int.max, default value: Int? = nil) throws -> Int
  {
    try required(key, optionalInteger(key, in: range) ?? value)
  }
  func number(
    _ key: Key, in range: ClosedRange<Double>? = nil, above: Double? = nil, default value: Double? = nil
  ) throws -> Double {
    try required(key, optionalNumber(key, in: range, above: above) ?? value)
  }
  func flag(_ key: Key, default value: Bool) throws -> Bool { try optionalFlag(key) ?? value }
  func instant(_ key: Key) throws -> Instant { try required(key, optionalInstant(key)) }
  func choice<Choice: RawRepresentable & CaseIterable>(_ key: Key, default value: Choice) throws -> Choice
  where Choice.RawValue == String { try optionalChoice(key, Choice.self) ?? value }

  func requiredChoice<Choice: RawRepresentable & CaseIterable>(_ key: Key) throws -> Choice
  where Choice.RawValue == String { try required(key, optionalChoice(key, Choice.self)) }

  /// A path that is read: looked for as `InputPath` says.
  func optionalInput(_ key: Key) throws -> InputPath? {
    try optionalString(key).map { InputPath($0, runFile: source.file) }
  }
  func input(_ key: Key) throws -> InputPath { try required(key, optionalInput(key)) }
  func inputs(_ key: Key) throws -> [InputPath] {
    try strings(key).map { InputPath($0, runFile: source.file) }
  }

  /// Channel names, none twice.
  func channels(_ key: Key) throws -> [String]? {
    guard let names = try optionalStrings(key) else { return nil }
    if let twice = Set(names).first(where: { name in names.count(where: { $0 == name }) > 1 }) {
      throw refuse(key, "channel named twice", found: twice)
    }
    return names
  }

  /// The section under `key`, nil where absent.
  func section<Inner>(_ key: Key, _ keys: Inner.Type) throws -> Section<Inner>? {
    guard let node = node(key) else { return nil }
    return try Section<Inner>(node, keys: keys, source: source, name: key.rawValue)
  }

  /// The section under `key`, which must be there.
  func requiredSection<Inner>(_ key: Key, _ keys: Inner.Type) throws -> Section<Inner> {
    try required(key, section(key, keys))
  }

  /// The sections under `key`, which holds one mapping or a list of them; empty where absent.
  func sections<Inner>(_ key: Key, _ keys: Inner.Type) throws -> [Section<Inner>] {
    guard let node = node(key) else { return [] }
    let items = node.sequence.map(Array.init) ?? [node]
    return try items.map { try Section<Inner>($0, keys: keys, source: source, name: key.rawValue) }
  }

  /// A date that stands under `key`, by itself or in a list.
  func instant(_ node: Node, _ key: Key) throws -> Instant {
    guard let text = node.scalar?.string, let instant = Instant(text) else {
      throw source.error(
        at: node.mark, key.rawValue, "not a date", found: describe(node),
        expected: "for example 2026-02-01T06:00:00Z (UTC)")
    }
    return instant
  }
}

/// The file that is being read, for error messages.
struct Source {
  let file: String

  /// An error at a place: `demo.yml:12:3: 'leed_time': unknown key. Did you mean 'lead_time'?`
  func error(
    at mark: Mark?, _ key: String?, _ problem: String, found: String? = nil, expected: String? = nil,
    advice: String? = nil
  ) -> ApusError {
    let place = mark.map { "\(file):\($0.line):\($0.column)" } ?? file
    return ApusError(
      .badRunFile, problem, file: place, variable: key, found: found, expected: expected, advice: advice)
  }
}

extension Node {
  /// A plain text, not one in quotes.
  private var plain: String? {
    guard let scalar, [.any, .plain].contains(scalar.style) else { return nil }
    return scalar.string
  }

  /// A whole number in decimal digits: YAML 1.1 would take 0010 for 8 and 1:30 for 90.
  var wholeNumber: Int? { plain.flatMap { Int($0) } }

  /// A finite number in decimal digits.
  var number: Double? {
    guard let plain, !plain.lowercased().hasPrefix("0x"), let value = Double(plain), value.isFinite else {
      return nil
    }
    return value
  }
}

/// A value as a message shows it.
func describe(_ node: Node) -> String {
  if let text = node.scalar?.string { return text.isEmpty ? "nothing" : "'\(text)'" }
  if node.sequence != nil { return "a list" }
  if node.mapping != nil { return "a mapping" }
  return "an alias"
}

private func plain(_ value: Double) -> String {
  value == value.rounded() && abs(value) < 1e15 ? "\(Int(value))" : "\(value)"
}
