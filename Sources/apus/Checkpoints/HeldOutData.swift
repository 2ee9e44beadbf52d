import Basics
import FieldIO
import Fields
import Kernels
import Models
import Sphere
import Verification

/// Checkpoints that forecast the same channels, and states to measure them on.
struct HeldOutData: Sendable {
  /// What is measured; all have the channels, grid, degrees and step of the first.
  let checkpoints: [Checkpoint]
  /// The truth, as the checkpoints see it: on their grid, truncated to their degrees.
  let archive: Archive
  /// Of area means: cos(latitude).
  let weights: AreaWeights
  /// Hours of a step.
  let stepHours: Int
  /// States hold degrees l below this.
  let degrees: Int
  private let there: Set<Instant>

  /// Channels that scores are shown of where nobody asks for others.
  static let usual = ["z500", "t850", "u850"]

  /// Reads checkpoints and opens files.
  /// - Throws: `ApusError`: `badData` where checkpoints differ, or as `Checkpoint.read` and `Archive.init`.
  init(checkpoints paths: [String], files: [String], precision: ProductPrecision) throws {
    checkpoints = try paths.map { try Checkpoint.read($0).computing(precision) }
    guard let first = checkpoints.first else { throw ApusError(.usage, "no checkpoint is named") }
    for other in checkpoints.dropFirst() {
      guard
        other.channels == first.channels, other.units == first.units, other.grid == first.grid,
        other.degrees == first.degrees, other.stepHours == first.stepHours
      else {
        throw ApusError(
          .badData, "the checkpoints differ in what they forecast", file: other.file,
          found: HeldOutData.facts(other), expected: "\(HeldOutData.facts(first)) as \(first.file)",
          advice: "Measure them one by one.")
      }
    }
    archive = try Archive(
      files, channels: first.channels, units: first.units, grid: first.grid, degrees: first.degrees)
    weights = AreaWeights(first.grid)
    stepHours = first.stepHours
    degrees = first.degrees
    there = Set(archive.times)
  }

  /// Numbers of the channels named; by default of the usual ones that the checkpoints have, else all.
  /// - Throws: `ApusError` of kind `usage` for an unknown channel.
  func places(_ names: [String]) throws -> [Int] {
    guard !names.isEmpty else {
      let usual = HeldOutData.usual.compactMap { archive.channels.firstIndex(of: $0) }
      return usual.isEmpty ? Array(archive.channels.indices) : usual
    }
    var places: [Int] = []
    for name in names {
      guard let place = archive.channels.firstIndex(of: name) else {
        throw ApusError(
          .usage, "the checkpoints have no such channel", variable: name,
          expected: "one of \(archive.channels.joined(separator: " "))")
      }
      if !places.contains(place) { places.append(place) }
    }
    return places
  }

  /// The highest degree l of spectra: the one asked for, else 28, or what the states hold where that is less.
  /// - Throws: `ApusError` of kind `usage` where the states do not hold the degree.
  func highestDegree(_ wanted: Int?) throws -> Int {
    let held = min(degrees, archive.grid.latitudeCount) - 1
    guard let wanted else { return min(28, held) }
    guard (1...max(held, 1)).contains(wanted) else {
      throw ApusError(
        .usage, "the states do not hold this degree", variable: "--spectrum-degrees", found: "\(wanted)",
        expected: "1...\(held)")
    }
    return wanted
  }

  /// Checks that there is a state at every one of the moments.
  /// - Throws: `ApusError` of kind `inputMissing` naming the first that is not there.
  func require(_ times: [Instant]) throws {
    guard let gap = times.first(where: { !there.contains($0) }) else { return }
    let before = archive.times.last { $0 < gap }.map(\.description) ?? "none"
    let after = archive.times.first { $0 > gap }.map(\.description) ?? "none"
    throw ApusError(
      .inputMissing, "no state at \(gap)",
      file: archive.files.count == 1 ? archive.files[0] : "\(archive.files[0]) and others",
      found: "the last before is \(before), the first after \(after)",
      expected: "every time that is measured",
      advice: "Name more files with --data, or other dates.")
  }

  private static func facts(_ checkpoint: Checkpoint) -> String {
    "\(checkpoint.channels.joined(separator: " ")) on \(checkpoint.grid), l < \(checkpoint.degrees), "
      + "\(checkpoint.stepHours) h"
  }
}

/// A checkpoint in a report.
struct MeasuredCheckpoint: Encodable {
  let file: String
  let sha256: String

  init(_ checkpoint: Checkpoint) {
    file = checkpoint.file
    sha256 = checkpoint.digest
  }
}
