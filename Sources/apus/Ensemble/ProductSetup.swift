import Basics
import Ensembles
import FieldIO
import Fields
import Foundation
import Kernels
import Models
import RunFiles
import Sphere
import Verification

/// What a run file's `products:` asks to keep of all members, as the ensemble's sums keep it.
struct ProductSetup {
  let setup: EnsembleSetup
  let layout: ProductLayout
  private let climate: ClimateSamples?
  private let truth: Archive?
  private let threads: Int

  /// Opens climate and truth where they are needed.
  /// - Throws: `ApusError` of kind `badRunFile` for a channel, threshold or lead time that does not fit.
  init(setup: EnsembleSetup, threads: Int) throws {
    self.setup = setup
    self.threads = threads
    let section = setup.run.products
    let first = setup.checkpoints[0]
    layout = try ProductLayout(
      section, channels: first.channels, units: first.units, leadHours: setup.forecaster.leadHours)
    climate = layout.needsClimate ? try setup.climateSamples(first.channels, threads: threads) : nil
    if layout.needsClimate, climate == nil {
      throw ApusError(
        .badRunFile, "products ask for a climate that the run file does not name", variable: "climatology",
        expected: "climatology: {files: [...]}")
    }
    truth = try section.memberErrors ? setup.openTruth(first.channels) : nil
  }

  /// The plan of the sums.
  func plan() throws -> SumsPlan {
    let section = setup.run.products
    if section == ProductsSection() { return .momentsOnly }
    let files = ProductFiles(setup: setup, layout: layout)
    return SumsPlan(
      degrees: section.spectra ? setup.checkpoints[0].degrees : 0,
      fingerprint: try ProductLayout.fingerprint(of: setup.run),
      bounds: { try bounds(at: $0, scales: $1) }, memberRow: { try memberRow(at: $0) },
      files: { files.paths(at: $0) }, write: { try files.write($0) })
  }

  /// Bounds of every lead time and channel: thresholds, percentiles, distances from the control.
  private func bounds(at time: Instant, scales: [Double]) throws -> CountedBounds {
    let points = setup.forecaster.grid.pointCount
    let stride = ChannelPadding.padded(points)
    func field(_ values: [Double]) -> CountedBound {
      .field(AlignedBuffer(values.map { Float($0) } + [Float](repeating: 0, count: stride - points)))
    }
    var rows: [[CountedBound]] = []
    for hours in layout.leadHours {
      for (channel, name) in layout.channels.enumerated() {
        guard layout.counts(hours) else {
          rows.append([])
          continue
        }
        let background =
          layout.needsClimate(name)
          ? try climate?.climate(name, channel: channel, at: time.adding(hours: hours)).quantiles : nil
        var row = try layout.thresholds(of: name).map { rule -> CountedBound in
          if let value = rule.constant { return .constant(Float(value)) }
          return field(try rule.threshold(background, points: points))
        }
        if layout.section.quantiles, let background {
          row += (0..<ClimateQuantiles.evenCount).map { field(background.quantile(percent: $0)) }
        }
        if layout.section.distribution {
          row += DistributionLadder.offsets(deviation: scales[channel]).map { .aboveControl($0) }
        }
        rows.append(row)
      }
    }
    return CountedBounds(rows: rows)
  }

  /// A member's plumes, then its errors.
  private func memberRow(at time: Instant) throws -> SumsPlan.MemberRow {
    let grid = setup.forecaster.grid
    let places = layout.section.points.map {
      BilinearPlace(grid, latitude: $0.latitude, longitude: $0.longitude)
    }
    let errors = try truth.map {
      try MemberErrors($0, from: time, leadHours: layout.leadHours, threads: threads)
    }
    let length = layout.memberRowLength
    guard length > 0 else { return .none }
    return SumsPlan.MemberRow(length: length) { trajectory in
      var row: [Float] = []
      row.reserveCapacity(length)
      let points = grid.pointCount
      trajectory.values.withUnsafeBufferPointer { values in
        for place in places {
          for field in 0..<trajectory.leadHours.count * trajectory.channels.count {
            row.append(
              place.value(UnsafeBufferPointer(rebasing: values[field * points..<(field + 1) * points])))
          }
        }
      }
      if let errors { row += errors.values(trajectory) }
      return row
    }
  }
}

/// Root-mean-square errors of a member over the globe, [lead time][channel]; NaN where there is no truth.
private struct MemberErrors {
  private let truth: [Int: [Float]]
  private let weights: AreaWeights

  init(_ archive: Archive, from time: Instant, leadHours: [Int], threads: Int) throws {
    let there = Set(archive.times)
    var truth: [Int: [Float]] = [:]
    for (lead, hours) in leadHours.enumerated() where there.contains(time.adding(hours: hours)) {
      truth[lead] = try archive.load([time.adding(hours: hours)], threads: threads)
    }
    self.truth = truth
    weights = AreaWeights(archive.grid)
  }

  func values(_ member: Trajectory) -> [Float] {
    let points = member.grid.pointCount
    let columns = member.grid.longitudeCount
    return member.leadHours.indices.flatMap { lead -> [Float] in
      guard let truth = truth[lead] else { return member.channels.map { _ in .nan } }
      return member.channels.indices.map { channel in
        let start = lead * member.valuesPerLead + channel * points
        var total = 0.0
        for row in 0..<member.grid.latitudeCount {
          var sum = 0.0
          for i in row * columns..<(row + 1) * columns {
            let d = Double(member.values[start + i]) - Double(truth[channel * points + i])
            sum += d * d
          }
          total += weights.rows[row] * sum
        }
        return Float((total / (weights.rows.reduce(0, +) * Double(columns))).squareRoot())
      }
    }
  }
}
