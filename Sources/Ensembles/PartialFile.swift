import Basics
import Fields
import Foundation

/// The sums of some blocks of one initial time's members in a file: what a shard leaves for the merge, and what an
/// interrupted run goes on from.
///
/// Layout: the line `apus partial sums 1`, a line of JSON, the arrays of `EnsembleSums` and the members' rows as they
/// lie in memory (little-endian), 64 hexadecimal digits: the SHA-256 of all before. Written whole or not at all.
struct PartialFile {
  /// What the sums are of.
  struct Header: Codable, Hashable {
    /// Fingerprint of everything that decides the sums but not which blocks are in them.
    var run: String
    /// Initial time, ISO 8601.
    var initialTime: String
    var shape: SumsShape
    /// Rows of counts, degrees of spectra, numbers of a member's row.
    var counts: Int
    var degrees: Int
    var rowLength: Int
    /// Blocks in the sums, ascending.
    var blocks: [Int]
  }

  private static let title = Array("apus partial sums 1\n".utf8)

  let path: String
  let header: Header
  /// Where the arrays begin.
  private let start: Int

  /// Writes sums; `rows` are the members' rows.
  /// - Throws: `ApusError` where the file cannot be written; an older file of that name is then untouched.
  static func write(_ sums: EnsembleSums, rows: AlignedBuffer<Float>, header: Header, to path: String) throws
  {
    let head = try title + Array(SortedJSON.data(header)) + [10]
    var digest = SHA256()
    let arrays = (sums.pieces + [bytes(rows)]).map { UnsafeRawBufferPointer($0) }
    head.withUnsafeBytes { digest.update($0) }
    for piece in arrays { digest.update(piece) }
    let tail = Array(digest.hexadecimal().utf8)
    try head.withUnsafeBytes { head in
      try tail.withUnsafeBytes { tail in try WholeFile.write([head] + arrays + [tail], to: path) }
    }
  }

  /// Reads the head of a file.
  /// - Throws: `ApusError`: `inputMissing`, or `badData` where it is no such file or too short.
  init(_ path: String) throws {
    self.path = path
    guard let handle = FileHandle(forReadingAtPath: path) else {
      throw ApusError(.inputMissing, "cannot read the partial sums", file: path)
    }
    defer { try? handle.close() }
    var head: [UInt8] = []
    var end: Int?
    while end == nil, let chunk = try handle.read(upToCount: 1 << 16), !chunk.isEmpty {
      head += chunk
      guard head.starts(with: Self.title.prefix(head.count)) else { break }
      if head.count > Self.title.count { end = head[Self.title.count...].firstIndex(of: 10) }
    }
    guard let end, head.starts(with: Self.title),
      let header = try? JSONDecoder().decode(Header.self, from: Data(head[Self.title.count..<end]))
    else { throw PartialFile.damaged(path, found: "no head that is understood") }
    self.header = header
    start = end + 1
  }

  /// Fills sums of the head's shape with the file's.
  /// - Throws: `ApusError` of kind `badData` where the file is truncated or its checksum is another.
  func read(into sums: EnsembleSums, rows: AlignedBuffer<Float>) throws {
    guard let file = fopen(path, "rb") else {
      throw ApusError(.inputMissing, "cannot read the partial sums", file: path)
    }
    defer { fclose(file) }
    var digest = SHA256()
    let pieces = sums.pieces + [PartialFile.bytes(rows)]
    let expected = start + pieces.reduce(64) { $0 + $1.count }
    let attributes = try? FileManager.default.attributesOfItem(atPath: path)
    let size = (attributes?[.size] as? NSNumber)?.intValue ?? 0
    guard size == expected else {
      throw PartialFile.damaged(path, found: "\(size) bytes", expected: "\(expected) bytes")
    }
    var head = [UInt8](repeating: 0, count: start)
    var tail = [UInt8](repeating: 0, count: 64)
    try head.withUnsafeMutableBytes { try fill($0, from: file) }
    head.withUnsafeBytes { digest.update($0) }
    for piece in pieces {
      try fill(piece, from: file)
      digest.update(UnsafeRawBufferPointer(piece))
    }
    try tail.withUnsafeMutableBytes { try fill($0, from: file) }
    let found = digest.hexadecimal()
    guard Array(found.utf8) == tail else {
      throw PartialFile.damaged(
        path, found: "SHA-256 \(found.prefix(12))", expected: String(decoding: tail.prefix(12), as: UTF8.self)
      )
    }
  }

  private func fill(_ target: UnsafeMutableRawBufferPointer, from file: UnsafeMutablePointer<FILE>) throws {
    guard let base = target.baseAddress, fread(base, 1, target.count, file) == target.count else {
      if target.isEmpty { return }
      throw PartialFile.damaged(path, found: "its end within the sums")
    }
  }

  private static func damaged(_ path: String, found: String, expected: String? = nil) -> ApusError {
    ApusError(
      .badData, "the partial sums are damaged", file: path, found: found, expected: expected,
      advice: "Remove the file and run the same command (or shard) again: only its members are made again.")
  }

  private static func bytes(_ rows: AlignedBuffer<Float>) -> UnsafeMutableRawBufferPointer {
    UnsafeMutableRawBufferPointer(start: rows.pointer, count: rows.count * 4)
  }
}
