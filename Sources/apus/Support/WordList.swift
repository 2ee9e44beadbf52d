import ArgumentParser

/// Values with commas between them, as one word of the command line: `24,72,120`.
struct WordList<Element: ExpressibleByArgument & Sendable>: ExpressibleByArgument, Sendable {
  let values: [Element]

  init(_ values: [Element]) { self.values = values }

  init?(argument: String) {
    let words = argument.split(separator: ",", omittingEmptySubsequences: false)
    values = words.compactMap { $0.isEmpty ? nil : Element(argument: String($0)) }
    if values.count != words.count { return nil }
  }

  var defaultValueDescription: String { values.map(\.defaultValueDescription).joined(separator: ",") }
}
