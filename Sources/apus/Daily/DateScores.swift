import Basics
import Ensembles
import FieldIO
import Fields
import Foundation
import Models
import RunFiles
import Sphere
import Verification

/// The scores of one published date, by variable and lead time.
struct DateScores {
  /// One line of the table.
  struct Line {
    let variable: String
    let leadHours: Int
    let units: String
    let members: Int
    let scores: [HindcastScore: Double]
  }

  let lines: [Line]

  /// Takes them from a hindcast of one date.
  init(_ result: HindcastResult) {
    lines = result.scores.places.compactMap { place in
      guard let index = result.channels.firstIndex(of: place.variable) else { return nil }
      let scores = HindcastScore.allCases.map { ($0, result.scores.mean($0, at: place) ?? .nan) }
      return Line(
        variable: place.variable, leadHours: place.leadHours, units: result.units[index],
        members: result.members, scores: Dictionary(uniqueKeysWithValues: scores))
    }
  }

  /// Where members are not kept: error of the mean, spread and persistence, from the products.
  /// - Throws: `ApusError` of kind `inputMissing` where there are no products of mean and spread.
  init(products setup: EnsembleSetup, at date: Instant, variables: [String], leads: [Int], truth: DataPeriod)
    throws
  {
    let first = setup.checkpoints[0]
    let units = variables.map { name in first.units[first.channels.firstIndex(of: name) ?? 0] }
    let archive = try Archive(
      truth.files.paths, channels: variables, units: units, grid: first.grid, degrees: first.degrees)
    let products = setup.directory.path + "/products"
    let mean = try NetCDFReader("\(products)/mean_\(date.stamp).nc")
    let spread = try NetCDFReader("\(products)/spread_\(date.stamp).nc")
    let members = Int(mean.attributes["members"]?.numbers.first ?? 0)
    let weights = AreaWeights(first.grid)
    func rootMeanSquare(_ value: (Int) -> Double) -> Double {
      weights.mean { value($0) * value($0) }.squareRoot()
    }
    let start = try archive.load([date])
    var lines: [Line] = []
    for (channel, name) in variables.enumerated() {
      let (means, spreads) = (try GriddedVariable(mean, name), try GriddedVariable(spread, name))
      for lead in leads {
        guard let place = means.leadHours.firstIndex(of: Double(lead)) else { continue }
        let forecast = try means.fields(.time, place..<place + 1)
        let deviation = try spreads.fields(.time, place..<place + 1)
        let truth = try archive.load([date.adding(hours: lead)], channel: channel)
        let persisted = start[channel * truth.count..<(channel + 1) * truth.count]
        lines.append(
          Line(
            variable: name, leadHours: lead, units: units[channel], members: members,
            scores: [
              .rmseMean: rootMeanSquare { Double(forecast[$0]) - Double(truth[$0]) },
              .rmsePersistence: rootMeanSquare {
                Double(persisted[persisted.startIndex + $0]) - Double(truth[$0])
              },
              .spread: rootMeanSquare { Double(deviation[$0]) },
            ]))
      }
    }
    self.lines = lines
  }
}
