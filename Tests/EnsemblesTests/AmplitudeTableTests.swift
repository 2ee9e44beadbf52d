import Basics
import Ensembles
import Fields
import Foundation
import Sphere
import Testing

@Suite struct AmplitudeTableTests {
  let grid: SphereGrid
  let channels = ["z500", "t850"]
  let dates = (1...3).map { Instant(year: 2000, month: 1, day: $0) }

  init() throws { grid = try SphereGrid(.gaussian, latitudes: 16, longitudes: 32) }

  /// Persistence against a state that gains 2 and 0.5 a step: errors are 2 n and 0.5 n.
  struct Climbing: AnalysisSource {
    let grid: SphereGrid
    func state(at time: Instant) throws -> State {
      let steps = Float(time.seconds / 21600 % 1000)
      let values = [2 * steps, 0.5 * steps].flatMap { [Float](repeating: $0, count: grid.pointCount) }
      return State(channels: ["z500", "t850"], grid: grid, time: time, values: values)
    }
  }

  @Test func measuresWhatIsKnown() throws {
    let model = WindingModel(channels: channels, grid: grid, identifier: "still", rate: 0)
    let table = try AmplitudeTable.measure(
      model, against: Climbing(grid: grid), initialTimes: dates, leadHours: 48, threads: 2)
    #expect(table.leadHours == [6, 12, 18, 24, 30, 36, 42, 48])
    for (lead, error) in table.rootMeanSquareError[0].enumerated() {
      #expect(abs(error - 2 * Double(lead + 1)) < 1e-9)
    }
    let amplitudes = try table.amplitudes(for: ["t850", "z500"], targetHours: 48, factor: 0.35)
    #expect(abs(amplitudes[0] - 0.35 * 4) < 1e-9 && abs(amplitudes[1] - 0.35 * 16) < 1e-9)
    #expect(throws: ApusError.self) { try table.amplitudes(for: ["msl"], targetHours: 48, factor: 1) }
    #expect(throws: ApusError.self) { try table.amplitudes(for: ["z500"], targetHours: 54, factor: 1) }
  }

  @Test func surviveTheirFile() throws {
    let scratch = try ScratchDirectory()
    let table = AmplitudeTable(
      channels: channels, leadHours: [6, 48], rootMeanSquareError: [[1, 0.1], [2, 3]], initialTimes: ["x"],
      checkpoint: "c")
    let file = scratch.path + "/amplitudes.json"
    try WholeFile.write(table.encoded(), to: file)
    #expect(try AmplitudeTable.read(file) == table)
    try WholeFile.write(Data("{}".utf8), to: file)
    #expect(throws: ApusError.self) { try AmplitudeTable.read(file) }
    let error = #expect(throws: ApusError.self) { try AmplitudeTable.read(scratch.path + "/none.json") }
    #expect(error?.kind == .inputMissing)
  }
}
