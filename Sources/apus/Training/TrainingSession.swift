import Basics
import Foundation
import Logging
import Training

/// A training from wherever its saved state left it to its end, whatever is trained: state and loss curve are saved on the
/// way, speed is shown.
struct TrainingSession {
  let trainer: Trainer
  let settings: TrainerSettings
  let names: TrainingFiles
  /// Of what is trained: a state of another one is refused.
  let fingerprint: String
  let logger: Logger
  let showsProgress: Bool
  let threads: Int

  /// Trains to the end.
  /// - Parameters:
  ///   - operations: floating-point operations of a sample, by the products alone.
  ///   - snapshot: as of `Trainer.run`.
  ///   - saving: called before a state is saved.
  /// - Returns: what the last process that made a step had: this one, unless all was done before.
  /// - Throws: `ApusError`: `tryAgainLater` after a stop, `cannotCreateOutput` where a checkpoint would be written over that
  ///   this training did not write, and where files cannot be read or written.
  func run(
    operationsPerSample operations: Double, snapshot: (Trainer) throws -> Void = { _ in },
    saving: (Trainer) -> Void = { _ in }
  ) throws -> TrainingState.Session {
    var before: TrainingState.Session?
    if let state = try TrainingState.read(
      names.state, fingerprint: fingerprint, count: trainer.trained.count)
    {
      try trainer.resume(state)
      if state.step >= settings.schedule.steps { before = state.session }
      // A training that was killed between state and curve may have no step left that would write the curve.
      try writeCurve()
      logger.info("resuming after step \(state.step) of \(settings.schedule.steps) from \(names.state)")
    } else {
      try names.requireUnwritten()
    }
    if let before { return before }
    let peak = try 1e9 * MachineLimits.products(threads, Stopwatch(seconds: 0.2))
    func session() -> TrainingState.Session {
      TrainingState.Session(threads: threads, peak: peak, peakMemory: PeakMemory.bytes())
    }
    let meter = TrainingMeter(
      steps: settings.schedule.steps, firstStep: trainer.step, batchSize: settings.batchSize,
      operations: (Double(settings.batchSize) * operations, peak), isTerminal: showsProgress,
      log: { logger.info("\($0)") })
    try trainer.run(meter: meter, isStopped: { StopFlag.isSet }, snapshot: snapshot) { trainer in
      saving(trainer)
      var state = trainer.state(fingerprint: fingerprint)
      state.session = session()
      try state.write(names.state)
      try writeCurve()
    }
    return session()
  }

  private func writeCurve() throws {
    try WholeFile.write(Data(LossCurve.csv(trainer.curve).utf8), to: names.curve)
  }
}
