import Basics
import FieldIO

/// Files of patterns that can be read now. One that is being written is not there yet: it is left out, with
/// the reason, and looked at again by the next start.
struct ReadableFiles {
  /// What can be read.
  private(set) var files: [String]
  /// Why the others can't.
  private(set) var problems: [ApusError] = []
  /// The patterns, for messages.
  let patterns: String

  /// Lists the files that match now.
  init(_ patterns: [String]) {
    // A pattern that matches nothing yet is no error here.
    files = patterns.flatMap { (try? FileList.expand([$0])) ?? [] }
    self.patterns = patterns.joined(separator: ", ")
  }

  /// Opens the files; leaves out those that cannot be read until the rest can.
  /// - Returns: nil where no file is left.
  /// - Throws: what `open` throws for another reason than a bad file.
  mutating func open<Opened>(_ open: ([String]) throws -> Opened) throws -> Opened? {
    while !files.isEmpty {
      do { return try open(files) } catch let error as ApusError {
        guard error.kind == .badData || error.kind == .inputOutput, let file = error.file,
          let place = files.firstIndex(of: file)
        else { throw error }
        problems.append(error)
        files.remove(at: place)
      }
    }
    return nil
  }
}
