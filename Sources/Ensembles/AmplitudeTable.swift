import Basics
import Fields
import Foundation
import Sphere

/// How large a model's errors are: root mean square error by channel and lead time, from a hindcast of
/// one checkpoint. It sets the size of perturbations: A_c = factor x RMSE_c(48 h) (spec/hens.md 3.5).
///
/// A JSON file; a year of dates is plenty and takes seconds.
public struct AmplitudeTable: Sendable, Codable, Hashable {
  /// Channel names.
  public let channels: [String]
  /// Lead times [hours].
  public let leadHours: [Int]
  /// [channel][lead time], physical units; area mean and mean over dates before the root.
  public let rootMeanSquareError: [[Double]]
  /// Initial times of the hindcast, ISO 8601.
  public let initialTimes: [String]
  /// Fingerprint of the checkpoint.
  public let checkpoint: String

  private enum CodingKeys: String, CodingKey {
    case channels, checkpoint
    case leadHours = "lead_hours"
    case rootMeanSquareError = "root_mean_square_error"
    case initialTimes = "initial_times"
  }

  /// A table from its numbers.
  public init(
    channels: [String], leadHours: [Int], rootMeanSquareError: [[Double]], initialTimes: [String],
    checkpoint: String
  ) {
    self.channels = channels
    self.leadHours = leadHours
    self.rootMeanSquareError = rootMeanSquareError
    self.initialTimes = initialTimes
    self.checkpoint = checkpoint
  }

  /// Reads a table.
  /// - Throws: `ApusError` where the file is missing or no table.
  public static func read(_ path: String) throws -> AmplitudeTable {
    guard let data = FileManager.default.contents(atPath: path) else {
      throw ApusError(
        .inputMissing, "cannot read the amplitude table", file: path,
        advice: "Write `amplitudes: computed`, or name the amplitudes.json of a run directory.")
    }
    guard let table = try? JSONDecoder().decode(AmplitudeTable.self, from: data),
      table.rootMeanSquareError.count == table.channels.count,
      table.rootMeanSquareError.allSatisfy({ $0.count == table.leadHours.count })
    else { throw ApusError(.badData, "is no amplitude table", file: path) }
    return table
  }

  /// The file's bytes: JSON, keys sorted.
  public func encoded() throws -> Data {
    try SortedJSON.data(self, isPretty: true)
  }

  /// A_c for `channels`: factor times the error at `targetHours`.
  /// - Throws: `ApusError` of kind `badData` naming the channel or lead time that the table lacks.
  public func amplitudes(for channels: [String], targetHours: Int, factor: Double, file: String? = nil) throws
    -> [Double]
  {
    guard let lead = leadHours.firstIndex(of: targetHours) else {
      throw ApusError(
        .badData, "the amplitude table lacks a lead time", file: file, found: "\(leadHours) h",
        expected: "\(targetHours) h")
    }
    return try channels.map { name in
      guard let channel = self.channels.firstIndex(of: name) else {
        throw ApusError(
          .badData, "the amplitude table lacks a channel", file: file, variable: name,
          found: self.channels.joined(separator: " "))
      }
      return factor * rootMeanSquareError[channel][lead]
    }
  }

  /// Runs a hindcast and measures it, one date a thread at a time.
  /// - Parameters:
  ///   - leadHours: last lead time [hours]; a multiple of the model's step.
  ///   - progress: called with the number of dates done.
  /// - Throws: what the model and the analyses throw; a forecast that blows up is an error, and so is a stop.
  public static func measure(
    _ model: any ForecastModel, against analyses: any AnalysisSource, initialTimes: [Instant], leadHours: Int,
    threads: Int = Parallel.defaultThreads, progress: @Sendable (Int) -> Void = { _ in }
  ) throws -> AmplitudeTable {
    let steps = leadHours / model.stepHours
    let pool = WorkspacePool(models: [model], threads: threads)
    let results = Slots<[Double]>(initialTimes.count)
    try Parallel.forEach(initialTimes.count, threads: threads) { index, thread in
      try StopFlag.check()
      var state = try analyses.state(at: initialTimes[index])
      try model.requireFitting(state)
      let workspace = pool.workspace(thread: thread, checkpoint: 0)
      var errors: [Double] = []
      for step in 1...max(steps, 1) {
        state = try model.step(state, workspace: workspace)
        let hours = step * model.stepHours
        try NonFinite.check(state, member: 0, initialTime: initialTimes[index], leadHours: hours)
        let truth = try analyses.state(at: initialTimes[index].adding(hours: hours))
        errors += meanSquares(state, truth)
      }
      results[index] = errors
      progress(results.filled)
    }
    let total = results.values.reduce(into: [Double](repeating: 0, count: steps * model.channels.count)) {
      sum, errors in
      for i in sum.indices { sum[i] += errors[i] }
    }
    let count = Double(initialTimes.count)
    return AmplitudeTable(
      channels: model.channels, leadHours: (1...max(steps, 1)).map { $0 * model.stepHours },
      rootMeanSquareError: model.channels.indices.map { channel in
        (0..<steps).map { (total[$0 * model.channels.count + channel] / count).squareRoot() }
      },
      initialTimes: initialTimes.map(\.description), checkpoint: model.identifier)
  }

  /// Area-mean squared difference of each channel.
  static func meanSquares(_ state: State, _ truth: State) -> [Double] {
    let weights = state.grid.areaWeights
    let (rows, columns) = (state.grid.latitudeCount, state.grid.longitudeCount)
    return state.channels.indices.map { channel in
      var sum = 0.0
      for row in 0..<rows {
        var rowSum = 0.0
        let start = (channel * rows + row) * columns
        for i in start..<start + columns {
          let difference = Double(state.values[i]) - Double(truth.values[i])
          rowSum += difference * difference
        }
        sum += weights[row] * rowSum
      }
      return sum / Double(rows * columns)
    }
  }
}
