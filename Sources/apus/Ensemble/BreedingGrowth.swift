import Basics
import Ensembles
import Fields
import Foundation
import Models
import Sphere
import Synchronization
import Verification

/// How fast bred vectors grow: a cycle's end over its beginning, before rescaling, by channel, region and degree.
struct BreedingGrowth: Encodable, CustomStringConvertible {
  /// One cycle of one channel, over all initial times, checkpoints and pairs.
  struct Cycle: Encodable {
    let cycle: Int
    let channel: String
    /// Rate of growth of the root mean square by region [1/day].
    let perDay: [String: Double]
    /// Amplitude at the end over amplitude at the beginning, by degree; absent where a cycle begins with none.
    let byDegree: [Double?]

    enum CodingKeys: String, CodingKey {
      case cycle, channel
      case perDay = "growth_per_day"
      case byDegree = "growth_by_degree"
    }
  }
  let vectors: Int
  let cycleHours: Int
  let cycles: [Cycle]

  enum CodingKeys: String, CodingKey {
    case vectors, cycles
    case cycleHours = "cycle_hours"
  }

  static let regions = ["north", "tropics", "south"]

  var description: String {
    var lines = ["growth of \(vectors) bred vectors [1/day], cycles of \(cycleHours) h, before rescaling"]
    lines.append(
      "cycle  channel     north   tropics     south   amplitude x in a cycle at l = 2, 5, 10, 20, 30")
    for item in cycles {
      let rates = Self.regions.map { region in
        item.perDay[region].map { String(format: "%10.2f", $0) } ?? "         -"
      }
      let degrees = [2, 5, 10, 20, 30].filter(item.byDegree.indices.contains).map { l in
        (item.byDegree[l] ?? nil).map { String(format: "%.2f", $0) } ?? "-"
      }
      lines.append(
        String(format: "%5d  ", item.cycle) + item.channel.padding(toLength: 7, withPad: " ", startingAt: 0)
          + rates.joined() + "   " + degrees.joined(separator: ", "))
    }
    return lines.joined(separator: "\n")
  }

  /// Breeds every pair of a run file's initial times.
  /// - Throws: what breeding throws.
  init(_ setup: EnsembleSetup, threads: Int) throws {
    let forecaster = setup.forecaster
    let first = setup.checkpoints[0]
    let work = setup.plan.items.filter { $0.member.sign == 1 }
    let (channels, count) = (first.channels, forecaster.settings.cycles)
    let sums = Slots<[[Sums]]>(work.count)
    let controls = ControlCache(limit: 8 * forecaster.models.count * count)
    let transform = SphericalTransform<Double>(grid: first.grid, degrees: first.degrees)
    try Parallel.forEach(work.count, threads: threads) { index, _ in
      try StopFlag.check()
      let (time, member) = (work[index].initialTime, work[index].member)
      var own: [[Sums]] = []
      try forecaster.growth(
        at: time, checkpoint: member.checkpoint, pair: member.perturbation ?? 0,
        workspaces: { forecaster.models[$0].makeWorkspace() }, controls: controls
      ) { _, before, after in
        own.append(
          channels.indices.map { channel in
            let range = channel * first.grid.pointCount..<(channel + 1) * first.grid.pointCount
            return Sums(before[range].map(Double.init), after[range].map(Double.init), transform)
          })
      }
      sums[index] = own
    }
    vectors = work.count
    let hours = forecaster.settings.stepsPerCycle * first.stepHours
    cycleHours = hours
    let all = sums.values
    cycles = (0..<count).flatMap { cycle in
      channels.enumerated().map { channel, name in
        let total = all.reduce(Sums(degrees: first.degrees)) { $0.adding($1[cycle][channel]) }
        return Cycle(
          cycle: cycle + 1, channel: name,
          perDay: Dictionary(
            uniqueKeysWithValues: Self.regions.enumerated().compactMap { region, word in
              let (before, after) = (total.before[region], total.after[region])
              return before > 0 && after > 0 ? (word, log(after / before) / 2 * 24 / Double(hours)) : nil
            }),
          byDegree: zip(total.powerBefore, total.powerAfter).map { $0 > 0 ? ($1 / $0).squareRoot() : nil })
      }
    }
  }

  /// Squares of one vector or of many.
  private struct Sums {
    var before = [0.0, 0, 0]
    var after = [0.0, 0, 0]
    var powerBefore: [Double]
    var powerAfter: [Double]

    init(degrees: Int) {
      powerBefore = [Double](repeating: 0, count: degrees)
      powerAfter = powerBefore
    }

    init(_ first: [Double], _ last: [Double], _ transform: SphericalTransform<Double>) {
      let grid = transform.grid
      powerBefore = EnsembleSpectra.power(first, transform, .standard)
      powerAfter = EnsembleSpectra.power(last, transform, .standard)
      let columns = grid.longitudeCount
      for (row, latitude) in grid.latitudes.enumerated() {
        let region = latitude > 20 ? 0 : latitude < -20 ? 2 : 1
        let weight = cos(latitude * .pi / 180)
        for i in row * columns..<(row + 1) * columns {
          before[region] += weight * first[i] * first[i]
          after[region] += weight * last[i] * last[i]
        }
      }
    }

    func adding(_ other: Sums) -> Sums {
      var sum = self
      for i in 0..<3 {
        sum.before[i] += other.before[i]
        sum.after[i] += other.after[i]
      }
      for l in powerBefore.indices {
        sum.powerBefore[l] += other.powerBefore[l]
        sum.powerAfter[l] += other.powerAfter[l]
      }
      return sum
    }
  }
}
