import Basics
import Fields
import Foundation

/// Where everything of a run lies: names are functions of initial time and member number, so finished
/// work is known by its files alone (docs: run directory).
public struct RunDirectory: Sendable {
  /// A statistic over members.
  public enum Product: String, Sendable, CaseIterable {
    case mean, spread, minimum, maximum

    /// CF cell methods of its file.
    public var cellMethods: String { "realization: \(self == .spread ? "standard_deviation" : rawValue)" }
  }

  /// The directory.
  public let path: String

  /// A run directory, existing or to be made.
  public init(_ path: String) {
    self.path = path.count > 1 && path.hasSuffix("/") ? String(path.dropLast()) : path
  }

  /// What made the run.
  public var manifestFile: String { path + "/manifest.json" }
  /// Copy of the run file.
  public var runFile: String { path + "/run.yml" }
  /// Held while a run works here.
  public var lockFile: String { path + "/.lock" }
  /// The report.
  public var report: String { path + "/report/report.html" }

  /// The directory of an initial time's members.
  public func members(at time: Instant) -> String { "\(path)/members/\(time.stamp)" }
  /// A member's file.
  public func memberFile(_ number: Int, at time: Instant) -> String {
    members(at: time) + "/" + RunDirectory.memberName(number) + ".nc"
  }
  /// A statistic's file.
  public func product(_ product: Product, at time: Instant) -> String {
    "\(path)/products/\(product.rawValue)_\(time.stamp).nc"
  }
  /// The note left by a member that blew up.
  public func failure(_ number: Int, at time: Instant) -> String {
    "\(path)/failed/\(time.stamp)_\(RunDirectory.memberName(number)).json"
  }
  /// The directory of an initial time's partial sums.
  public func partials(at time: Instant) -> String { "\(path)/partials/\(time.stamp)" }
  /// The partial sums of a shard.
  func partial(_ shard: (index: Int, count: Int), at time: Instant) -> String {
    "\(partials(at: time))/\(shard.index)_of_\(shard.count).sums"
  }
  /// All files of partial sums of an initial time, by name.
  func partialFiles(at time: Instant) -> [String] {
    let directory = partials(at: time)
    let names = (try? FileManager.default.contentsOfDirectory(atPath: directory)) ?? []
    return names.filter { $0.hasSuffix(".sums") }.sorted().map { "\(directory)/\($0)" }
  }

  /// The scores of a variable.
  public func scores(_ variable: String) -> String { "\(path)/scores/\(variable).nc" }

  /// `member_0007`.
  static func memberName(_ number: Int) -> String {
    let digits = "\(number)"
    return "member_" + String(repeating: "0", count: max(0, 4 - digits.count)) + digits
  }

  /// Removes what killed processes of this machine left half written.
  ///
  /// Only for who has the directory for himself: a process of another machine, writing its shard, cannot be seen.
  public func removeAbandoned() {
    let dates = (try? FileManager.default.contentsOfDirectory(atPath: path + "/members")) ?? []
    let sums = (try? FileManager.default.contentsOfDirectory(atPath: path + "/partials")) ?? []
    let places =
      ["", "/products", "/checksums", "/scores", "/report", "/failed"] + dates.map { "/members/\($0)" }
      + sums.map { "/partials/\($0)" }
    for place in places { WholeFile.removeAbandoned(in: path + place, prefix: "") }
  }

  /// The manifest, nil where there is none yet.
  /// - Throws: `ApusError` of kind `badData` where the file is no manifest.
  public func manifest() throws -> RunManifest? {
    guard let data = FileManager.default.contents(atPath: manifestFile) else { return nil }
    do { return try JSONDecoder().decode(RunManifest.self, from: data) } catch {
      throw ApusError(.badData, "is no manifest of a run", file: manifestFile)
    }
  }

  /// Makes sure that no file stands where the directory is to be, before anything is worked out.
  /// - Throws: `ApusError` of kind `cannotCreateOutput`.
  public func requireNoFile() throws {
    var isDirectory = false as ObjCBool
    guard FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory), !isDirectory.boolValue
    else {
      return
    }
    throw ApusError(
      .cannotCreateOutput, "there is a file where the run's directory is to be", file: path,
      advice: "Choose another place with --output, or move the file away.")
  }

  /// Makes the directories of a run.
  /// - Throws: `ApusError` of kind `cannotCreateOutput`.
  public func create(initialTimes: [Instant]) throws {
    try create(
      ["products", "checksums", "failed", "scores", "report"].map { "\(path)/\($0)" }
        + initialTimes.map(members))
  }

  /// Makes the directories of members that are no run's, and of their statistics where there are to be any.
  /// - Throws: `ApusError` of kind `cannotCreateOutput`.
  public func createMembers(initialTimes: [Instant], withProducts: Bool = false) throws {
    try create(initialTimes.map(members) + (withProducts ? ["\(path)/products"] : []))
  }

  private func create(_ parts: [String]) throws {
    for part in [path] + parts {
      do { try FileManager.default.createDirectory(atPath: part, withIntermediateDirectories: true) } catch {
        throw ApusError(
          .cannotCreateOutput, "cannot create the directory", file: part,
          advice: "Choose another place with --output.")
      }
    }
  }

  /// Whether a file is there.
  public static func exists(_ file: String) -> Bool { FileManager.default.fileExists(atPath: file) }

  /// Removes files where they are.
  static func remove(_ files: [String]) {
    for file in files { try? FileManager.default.removeItem(atPath: file) }
  }

  /// All products of a time are there.
  public func hasProducts(at time: Instant) -> Bool {
    Product.allCases.allSatisfy { RunDirectory.exists(product($0, at: time)) }
  }

  /// Members of an initial time that need not be made again: the files that they are to have are there, and, where
  /// files alone would not do, they are in partial sums or products.
  public func finishedMembers(of manifest: RunManifest, at time: Instant) -> Int {
    let output = manifest.memberFiles ?? (hasMemberFiles(at: time) ? .all : .none)
    func isThere(_ member: MemberIdentity) -> Bool {
      !output.keeps(member.number) || RunDirectory.exists(memberFile(member.number, at: time))
    }
    if output.isWhole || hasProducts(at: time) { return manifest.members.count(where: isThere) }
    let blocks = WorkPlan.blocks(of: manifest.members)
    let done = partialFiles(at: time).reduce(into: Set<Int>()) { done, path in
      if let file = try? PartialFile(path) { done.formUnion(file.header.blocks) }
    }
    return done.filter(blocks.indices.contains).reduce(0) { $0 + blocks[$1].count(where: isThere) }
  }

  /// Numbers of the members of an initial time that have a file, ascending.
  public func memberNumbers(at time: Instant) -> [Int] {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: members(at: time))) ?? []
    return names.compactMap { name in
      name.hasPrefix("member_") && name.hasSuffix(".nc") ? Int(name.dropFirst(7).dropLast(3)) : nil
    }.sorted()
  }

  /// Whether any member of an initial time has a file.
  private func hasMemberFiles(at time: Instant) -> Bool {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: members(at: time))) ?? []
    return names.contains { $0.hasSuffix(".nc") }
  }

  /// Takes the directory over for a run: checks that what is in it belongs to the same run, or to one of fewer members,
  /// drops products that more members made stale, writes manifest and run file.
  /// - Throws: `ApusError` of kind `cannotCreateOutput` where another run lives here.
  public func adopt(_ manifest: RunManifest, runFileText: String, initialTimes: [Instant]) throws {
    try create(initialTimes: initialTimes)
    var manifest = manifest
    if let old = try self.manifest() {
      if let conflict = manifest.conflict(with: old) {
        throw ApusError(
          .cannotCreateOutput, "the directory holds another run", file: path, variable: conflict.what,
          found: conflict.expected, expected: conflict.found,
          advice: (difference(from: runFileText).map { "The run file changed: \($0). " } ?? "")
            + "Choose another place with --output, or remove the directory.")
      }
      guard manifest.members.count >= old.members.count else {
        throw ApusError(
          .cannotCreateOutput, "the directory holds a run of more members", file: path, variable: "members",
          found: "\(old.members.count)", expected: "\(manifest.members.count) at most",
          advice: "Choose another place with --output, or remove the directory.")
      }
      // Files of one run all have the same part of their members.
      let (new, kept) = (manifest.memberFiles?.fields ?? .whole, old.memberFiles?.fields ?? .whole)
      if new != kept, old.initialTimes.compactMap({ Instant($0) }).contains(where: hasMemberFiles) {
        throw ApusError(
          .cannotCreateOutput, "the directory holds members of which other parts were written", file: path,
          variable: "output", found: "\(kept)", expected: "\(new)",
          advice: "Choose another place with --output, or remove its directory members.")
      }
      // A run of one more date joins the dates that are there.
      manifest.initialTimes = Set(old.initialTimes + manifest.initialTimes).sorted()
      if old.members != manifest.members {
        // All kinds of products, not of moments alone: what is left would keep its old checksum.
        let ends = manifest.initialTimes.compactMap { Instant($0) }.map { "_\($0.stamp).nc" }
        let names = (try? FileManager.default.contentsOfDirectory(atPath: path + "/products")) ?? []
        RunDirectory.remove(
          names.filter { name in ends.contains { name.hasSuffix($0) } }.map { "\(path)/products/\($0)" })
      }
    }
    try WholeFile.write(manifest.encoded(), to: manifestFile)
    try WholeFile.write(Data(runFileText.utf8), to: runFile)
  }

  /// First lines in which the run file kept here and another differ; nil where none is kept.
  private func difference(from text: String) -> String? {
    guard let kept = try? String(contentsOfFile: runFile, encoding: .utf8) else { return nil }
    let (old, new) = (kept.split(separator: "\n"), text.split(separator: "\n"))
    let lines = new.difference(from: old).prefix(6).map { change in
      switch change {
      case .insert(_, let line, _): "+ '\(line.trimmingCharacters(in: .whitespaces))'"
      case .remove(_, let line, _): "- '\(line.trimmingCharacters(in: .whitespaces))'"
      }
    }
    return lines.isEmpty ? nil : lines.joined(separator: ", ")
  }
}
