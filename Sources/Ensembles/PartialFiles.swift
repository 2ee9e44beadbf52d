import Basics
import Fields
import Foundation

/// The files of partial sums of one initial time.
struct PartialFiles {
  private let directory: RunDirectory
  private let time: Instant

  init(_ directory: RunDirectory, _ time: Instant) {
    self.directory = directory
    self.time = time
  }

  /// Blocks that files hold besides `own`, by their heads.
  func blocksOfOthers(than own: String, work: DateWork) throws -> Set<Int> {
    var blocks: Set<Int> = []
    for path in directory.partialFiles(at: time) where path != own {
      // Another shard may just have replaced or removed it.
      guard let file = try? PartialFile(path) else { continue }
      try work.check(file)
      blocks.formUnion(file.header.blocks)
    }
    return blocks
  }

  /// Adds all files to sums, those with most blocks first; one whose blocks are all in others is left out.
  /// - Parameter setAside: given damaged files, which are then left out; without it they are errors.
  func merge(into work: DateWork, only own: String? = nil, setAside: ((ApusError) -> Void)? = nil) throws {
    let paths = own.map { [$0].filter(RunDirectory.exists) } ?? directory.partialFiles(at: time)
    func reading<Result>(_ path: String, _ body: () throws -> Result) throws -> Result? {
      do { return try body() } catch let error as ApusError where error.kind == .badData {
        guard let setAside, error.problem.contains("damaged") else { throw error }
        rename(path, path + ".damaged")
        setAside(error)
        return nil
      }
    }
    let files = try paths.compactMap { path in try reading(path) { try PartialFile(path) } }
    for file in files.sorted(by: { $0.header.blocks.count > $1.header.blocks.count }) {
      // A run that had taken in the shards' sums was killed before it removed their files.
      if work.blocks.isSuperset(of: file.header.blocks) { continue }
      try reading(file.path) { try work.merge(file) }
    }
  }
}
