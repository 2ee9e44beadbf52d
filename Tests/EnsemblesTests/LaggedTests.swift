import Basics
import Ensembles
import Fields
import Sphere
import Testing

@Suite struct LaggedTests {
  @Test func membersAreForecastsOfEarlierAnalyses() throws {
    let grid = try SphereGrid(.gaussian, latitudes: 8, longitudes: 16)
    let model = WindingModel(channels: ["z500"], grid: grid, identifier: "a", rate: 0.2)
    let analyses = AnalyticAnalyses(channels: ["z500"], grid: grid)
    let forecaster = try EnsembleForecaster(
      models: [model], analyses: analyses, settings: PerturbationSettings(kind: .lagged), amplitudes: [],
      seed: 1,
      leadHours: 12)
    let time = Instant(year: 2000, month: 2, day: 1)
    let plan = WorkPlan(initialTimes: [time], checkpoints: 1, pairs: 2, kind: .lagged)
    #expect(forecaster.analysisTimes(for: time, pairs: 2).count == 5)
    let workspace = model.makeWorkspace()
    for member in plan.members.dropFirst() {
      let steps = member.number
      var state = try analyses.state(at: time.adding(hours: -steps * model.stepHours))
      for _ in 0..<steps { state = try model.step(state, workspace: workspace) }
      #expect(try forecaster.member(member, at: time).values.prefix(grid.pointCount) == state.values[...])
    }
  }
}
