import Basics
import Foundation
import Sphere
import Testing
import Verification

@Suite struct FieldScoreTests {
  @Test func energyScoreOfOnePointIsItsCRPS() throws {
    let values = Samples.normal(17, 1, seed: 51, mean: 5)
    let score = try EnergyScore.value(
      EnsembleValues(values, members: 17), truth: [4.2], weights: AreaWeights(rowWeights: [3], columns: 1))
    #expect(Samples.nearlyEqual(score, Samples.kernelCRPS(values, 4.2)))
  }

  @Test(arguments: [1, 2, 6, 7])
  func energyScoreFromTheDefinition(members: Int) throws {
    let weights = AreaWeights(latitudes: (0..<30).map { 87 - 6 * Double($0) }, columns: 50)
    var values = Samples.normal(members, 1500, seed: 52, mean: 1e5, deviation: 500)
    var truth = Samples.normal(1, 1500, seed: 53, mean: 1e5, deviation: 500)
    values[77] = .nan
    truth[1499] = .nan
    func distance(_ a: (Int) -> Double, _ b: (Int) -> Double) -> Double {
      var (sum, weight) = (0.0, 0.0)
      for point in 0..<1500 where point != 77 && point != 1499 {
        sum += weights.rows[point / 50] * (a(point) - b(point)) * (a(point) - b(point))
        weight += weights.rows[point / 50]
      }
      return (sum / weight).squareRoot()
    }
    let copy = values
    let target = truth
    var (error, pairs) = (0.0, 0.0)
    for i in 0..<members {
      error += distance({ copy[i * 1500 + $0] }, { target[$0] })
      for j in 0..<members { pairs += distance({ copy[i * 1500 + $0] }, { copy[j * 1500 + $0] }) }
    }
    let m = Double(members)
    let ensemble = EnsembleValues(values, members: members)
    let one = try EnergyScore.value(ensemble, truth: truth, weights: weights, threads: 1)
    #expect(Samples.nearlyEqual(one, error / m - pairs / (2 * m * m)))
    #expect(try EnergyScore.value(ensemble, truth: truth, weights: weights, threads: 3) == one)
  }

  @Test func areaMeans() {
    let grid = AreaWeights(latitudes: [60, 0, -60], columns: 2)
    #expect(Samples.nearlyEqual(grid.mean([1, 1, 1, 1, 1, 1]), 1))
    #expect(Samples.nearlyEqual(grid.mean([4, 4, 1, 1, 4, 4]), 2.5))  // weights 1/2, 1, 1/2
    // The cosine's own mean square over the sphere: 2/3, on a fine grid.
    let fine = AreaWeights(latitudes: (0..<720).map { 89.875 - Double($0) / 4 }, columns: 1)
    let mean = fine.mean { pow(cos((89.875 - Double($0) / 4) * .pi / 180), 2) }
    #expect(abs(mean - 2.0 / 3) < 1e-5)
  }

  @Test func exchangeableEnsembleHasSpreadSkillRatioOne() throws {
    let weights = AreaWeights(latitudes: (0..<100).map { 89.1 - 1.8 * Double($0) }, columns: 400)
    let all = Samples.normal(6, 40_000, seed: 61)
    let truth = Array(all[..<40_000])
    let ensemble = EnsembleValues(Array(all[40_000...]), members: 5)
    let scores = try CaseScores(
      ensemble, truth: truth, weights: weights, control: 2, persistence: truth, withEnergyScore: false)
    #expect(abs(scores.spreadSkillRatio - 1) < 0.02)
    #expect(abs(scores.spread - 1) < 0.02)
    #expect(abs(scores.rootMeanSquareError - (6.0 / 5).squareRoot()) < 0.02)
    let control = try #require(scores.control)
    #expect(abs(control.meanSquareError - 2) < 0.06)
    #expect(abs(control.meanAbsoluteError - 2 / Double.pi.squareRoot()) < 0.02)
    #expect(scores.persistence?.meanAbsoluteError == 0)
    #expect(scores.energyScore == nil)
    // The control alone is an ensemble of one.
    let alone = try CaseScores(
      EnsembleValues(ensemble.member(2), members: 1), truth: truth, weights: weights)
    #expect(Samples.nearlyEqual(alone.crps, control.meanAbsoluteError))
    #expect(alone.crpsFair.isNaN && alone.variance.isNaN && alone.spreadSkillRatio.isNaN)
    #expect(Samples.nearlyEqual(try #require(alone.energyScore), control.meanSquareError.squareRoot()))
  }

  @Test func rocAreaOfPerfectAndOfBlindForecasts() throws {
    let truth = Samples.normal(1, 500, seed: 71)
    let threshold = [Double](repeating: 0.3, count: 500)
    func area(_ members: [Double], _ count: Int) throws -> Double {
      let scores = try PointwiseScores(
        EnsembleValues(members, members: count), truth: truth, threshold: threshold)
      var counts = EventCounts(members: count)
      counts.add(try #require(scores.aboveThreshold), truth: truth)
      return counts.area
    }
    #expect(try area(truth + truth, 2) == 1)
    #expect(try area(truth.map { 0.6 - $0 }, 1) == 0)
    // The same two members everywhere: one above, one below.
    #expect(try area(.init(repeating: 1, count: 500) + .init(repeating: -1, count: 500), 2) == 0.5)
    // Against all pairs of an event and a non-event.
    let members = Samples.normal(4, 500, seed: 72).enumerated().map { $1 + truth[$0 % 500] }
    let p = (0..<500).map { point in
      Samples.column(members, point, points: 500).count { $0 > 0.3 }
    }
    var (better, pairs) = (0.0, 0.0)
    for a in 0..<500 where truth[a] > 0.3 {
      for b in 0..<500 where truth[b] <= 0.3 {
        pairs += 1
        better += p[a] > p[b] ? 1 : p[a] == p[b] ? 0.5 : 0
      }
    }
    #expect(Samples.nearlyEqual(try area(members, 4), better / pairs))
    let never = try PointwiseScores(
      EnsembleValues(members, members: 4), truth: truth, threshold: .init(repeating: 99, count: 500))
    var counts = EventCounts(members: 4)
    counts.add(try #require(never.aboveThreshold), truth: truth)
    #expect(counts.area.isNaN)
  }

  @Test func spectraOfMembersThatDifferInPhaseOnly() throws {
    // Members: the same zonal wave 3, turned by a third of its length each: equal spectra, no mean left.
    let grid = try SphereGrid(.gaussian, latitudes: 16, longitudes: 36)
    let transform = SphericalTransform<Double>(grid: grid, degrees: grid.defaultDegreeCount)
    let members = (0..<3).flatMap { member in
      (0..<grid.pointCount).map { point -> Double in
        let colatitude = grid.colatitudes[point / 36]
        let angle = 2 * Double.pi * (3 * Double(point % 36) / 36 + Double(member) / 3)
        return pow(sin(colatitude), 3) * cos(angle)
      }
    }
    let spectra = try EnsembleSpectra(
      EnsembleValues(members, members: 3), truth: Array(members[..<grid.pointCount]), transform: transform)
    // sin^3 cos 3 lambda is of degree 3 alone; its mean square is 16/35 / 2, times 4 pi / 7 for the power.
    let power = 4 * Double.pi * 8 / 35 / 7
    #expect(abs(spectra.members[1][3] - power) < 1e-12)
    #expect(abs(spectra.memberMean[3] - power) < 1e-12)
    #expect(spectra.ensembleMean.allSatisfy { $0 < 1e-25 })
    #expect(spectra.truth == spectra.members[0])
    #expect(spectra.memberMean.enumerated().allSatisfy { $0.offset == 3 || $0.element < 1e-25 })
    let hens = try EnsembleSpectra(
      EnsembleValues(members, members: 3), transform: transform, convention: .hens)
    #expect(abs(hens.memberMean[3] - power) < 1e-12)  // no zonal part to count twice
    var holed = members
    holed[5] = .nan
    let missing = try EnsembleSpectra(EnsembleValues(holed, members: 3), transform: transform)
    #expect(missing.members[0][3].isNaN && !missing.members[1][3].isNaN)
  }
}
