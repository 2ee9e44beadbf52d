import Basics
import Ensembles
import FieldIO
import Fields
import Foundation
import Models
import RunFiles
import Sphere
import Verification

/// Scores the products of a run whose members were not kept, from their files alone: now in a hindcast, or once the
/// truth has come.
struct ProductVerification {
  let setup: EnsembleSetup
  let settings: VerificationSettings
  let layout: ProductLayout
  let threads: Int

  /// - Throws: `ApusError` of kind `inputMissing` where no initial time has products and a truth.
  func run() throws -> ProductScores {
    let first = setup.checkpoints[0]
    let channels = settings.channels(of: first)
    let truth = try setup.openTruth(first.channels)
    let there = Set(truth.times)
    let climate = layout.needsClimate ? try setup.climateSamples(first.channels, threads: threads) : nil
    var work: [(time: Instant, channel: String, lead: Int)] = []
    for time in setup.plan.initialTimes where setup.directory.hasProducts(at: time) {
      for channel in channels {
        for (lead, hours) in setup.forecaster.leadHours.enumerated()
        where hours > 0 && hours % settings.everyHours == 0 && there.contains(time.adding(hours: hours)) {
          work.append((time, channel, lead))
        }
      }
    }
    guard !work.isEmpty else {
      throw ApusError(
        .inputMissing, "nothing to score: no initial time has products and a truth",
        file: setup.directory.path)
    }
    let todo = work
    let slots = Slots<ProductScore>(todo.count)
    try Parallel.forEach(todo.count, threads: threads) { index, _ in
      let (time, name, lead) = todo[index]
      slots[index] = try score(time, name, lead, truth: truth, climate: climate)
    }
    return ProductScores(scores: slots.values)
  }

  private func score(
    _ time: Instant, _ name: String, _ lead: Int, truth: Archive, climate: ClimateSamples?
  ) throws -> ProductScore {
    let grid = setup.forecaster.grid
    let weights = AreaWeights(grid)
    let hours = setup.forecaster.leadHours[lead]
    let channel = layout.channels.firstIndex(of: name) ?? 0
    let values = try truth.load([time.adding(hours: hours)], channel: channel, threads: 1).map(Double.init)
    let start = try truth.load([time], channel: channel, threads: 1).map(Double.init)
    func product(_ product: RunDirectory.Product) throws -> [Double] {
      let reader = try NetCDFReader(setup.directory.product(product, at: time))
      return try reader.values(
        reader.variable(name), start: [lead, 0, 0], count: [1, grid.latitudeCount, grid.longitudeCount])
    }
    let (mean, spread) = (try product(.mean), try product(.spread))
    let (least, most) = (try product(.minimum), try product(.maximum))
    let members = setup.plan.members.count
    func square(_ x: Double) -> Double { x * x }
    var result = ProductScore(
      variable: name, initialTime: "\(time)", leadHours: hours, members: members,
      rmseMean: weights.mean { square(mean[$0] - values[$0]) }.squareRoot(),
      rmsePersistence: weights.mean { square(start[$0] - values[$0]) }.squareRoot(),
      spread: weights.mean { square(spread[$0]) }.squareRoot(),
      outliers: weights.mean { values[$0] < least[$0] || values[$0] > most[$0] ? 1 : 0 },
      outliersExpected: 2 / Double(members + 1),
      largestStandardised: weights.mean { spread[$0] > 0 ? (most[$0] - mean[$0]) / spread[$0] : .nan })
    let files = ProductFiles(setup: setup, layout: layout)
    let place = layout.countedLeads.firstIndex(of: lead)
    if let place, layout.section.distribution {
      try addCRPS(to: &result, files.path(.distribution, at: time), place, values, least, most, weights)
    }
    if let place, !layout.thresholds(of: name).isEmpty {
      let reader = try NetCDFReader(files.path(.probabilities, at: time))
      for (index, rule) in layout.thresholds(of: name).enumerated() {
        let background =
          rule.needsClimate
          ? try climate?.climate(name, channel: channel, at: time.adding(hours: hours)).quantiles : nil
        let threshold = try rule.threshold(background, points: grid.pointCount)
        let probability = try reader.values(
          reader.variable("\(name)_above_\(index)"), start: [place, 0, 0],
          count: [1, grid.latitudeCount, grid.longitudeCount])
        result.brier[rule.text] = weights.mean {
          // As members were counted: in single precision.
          square(probability[$0] - (Float(values[$0]) > Float(threshold[$0]) ? 1 : 0))
        }
      }
    }
    if layout.section.memberErrors {
      let reader = try NetCDFReader(files.path(.memberErrors, at: time))
      result.rmseLeastMember = try reader.values(
        reader.variable("\(name)_rmse"), start: [lead, 0], count: [1, members]
      ).filter(\.isFinite).min()
    }
    return result
  }

  private func addCRPS(
    to score: inout ProductScore, _ path: String, _ place: Int, _ truth: [Double], _ least: [Double],
    _ most: [Double], _ weights: AreaWeights
  ) throws {
    let grid = setup.forecaster.grid
    let (rows, columns, points) = (grid.latitudeCount, grid.longitudeCount, grid.pointCount)
    let reader = try NetCDFReader(path)
    let distances = try reader.values(reader.variable("\(score.variable)_distance"))
    let control = try reader.values(
      reader.variable("\(score.variable)_control"), start: [place, 0, 0], count: [1, rows, columns])
    let above = try reader.values(
      reader.variable("\(score.variable)_above"), start: [place, 0, 0, 0],
      count: [1, distances.count, rows, columns])
    var (crps, fair) = ([Double](), [Double]())
    for point in 0..<points {
      let distribution = CountedDistribution(
        bounds: distances.map { control[point] + $0 },
        above: distances.indices.map { Int(above[$0 * points + point]) }, least: least[point],
        most: most[point], members: score.members)
      crps.append(distribution.crps(truth[point]))
      fair.append(distribution.fairCRPS(truth[point]))
    }
    score.crps = weights.mean(crps)
    score.crpsFair = weights.mean(fair)
  }
}
