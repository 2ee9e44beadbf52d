import Basics
import Ensembles
import Fields
import Sphere
import Synchronization
import Testing

/// What `apus plan` says against the steps that a run's models really make.
@Suite struct PlannedStepsTests {
  static let cases: [(kind: PerturbationSettings.Kind, timing: PerturbationSettings.Timing, hours: Int)] = [
    (.bredVectors, .validTimeConsistent, 24), (.bredVectors, .hensCode, 24),
    // Cycles of neighbouring dates start from the same analyses, and share their control runs.
    (.bredVectors, .validTimeConsistent, 6), (.bredVectors, .hensCode, 6),
    (.lagged, .validTimeConsistent, 24), (.noise, .validTimeConsistent, 24),
    (.none, .validTimeConsistent, 24),
  ]

  @Test(arguments: cases, [1, 5]) func aRunTakesTheStepsThatArePlanned(
    _ item: (kind: PerturbationSettings.Kind, timing: PerturbationSettings.Timing, hours: Int), pairs: Int
  ) throws {
    let grid = try SphereGrid(.gaussian, latitudes: 8, longitudes: 16)
    let channels = ["z500", "q850"]
    let counter = StepCounter()
    let models = [0.2, 0.25].map {
      CountingModel(
        model: WindingModel(channels: channels, grid: grid, identifier: "winding \($0)", rate: Float($0)),
        counter: counter)
    }
    let forecaster = try EnsembleForecaster(
      models: models, analyses: AnalyticAnalyses(channels: channels, grid: grid),
      settings: PerturbationSettings(kind: item.kind, timing: item.timing), amplitudes: [0.3, 0.2], seed: 5,
      leadHours: 24, outputEveryHours: 12)
    let start = Instant(year: 2000, month: 2, day: 1)
    let dates = (0..<3).map { start.adding(hours: item.hours * $0) }
    let plan = WorkPlan(initialTimes: dates, checkpoints: 2, pairs: pairs, kind: item.kind)
    let scratch = try ScratchDirectory()
    let directory = RunDirectory(scratch.path)
    try directory.create(initialTimes: dates)
    _ = try EnsembleRun(
      forecaster: forecaster, plan: plan, directory: directory, store: RawStore(), threads: 1
    ).run()
    #expect(counter.steps.load(ordering: .relaxed) == forecaster.steps(of: plan))
  }
}
