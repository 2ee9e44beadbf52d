import Basics
import Fields
import Models
import Sphere
import Verification

/// Error of forecasts from validation data at one lead time, against persistence's.
public struct ValidationScore: Sendable, Codable, Hashable {
  /// The channel.
  public let channel: String
  /// Lead time [h].
  public let leadHours: Int
  /// Root mean square error over starts and area (cos latitude), physical units.
  public let rmse: Double
  /// That of the initial state taken as the forecast.
  public let persistence: Double

  enum CodingKeys: String, CodingKey {
    case channel, rmse, persistence
    case leadHours = "lead_hours"
  }

  /// RMSE over persistence's: 0 is perfect, 1 no better than no change.
  public var ratio: Double { rmse / persistence }

  /// What a list of scores comes to, for choosing the best checkpoint: the mean ratio; the lower, the better.
  public static func summary(_ scores: [ValidationScore]) -> Double {
    scores.reduce(0) { $0 + $1.ratio } / Double(scores.count)
  }
}

/// Forecasts from a few starts of the validation data, scored as forecasts are: what a training watches.
public struct ForecastValidation: Sendable {
  /// Lead times taken where none are asked for [h].
  public static let usualLeads = [24, 72, 120]

  /// Lead times [h].
  public let leadHours: [Int]
  /// Channels that are scored.
  public let channels: [String]
  private let places: [Int]
  private let set: TrainingSet
  private let starts: [Int]
  private let stepHours: Int
  private let normalisation: Normalisation
  private let weights: AreaWeights
  private var persistence: [[Double]] = []

  /// Chooses starts evenly over the data and scores persistence on them.
  /// - Parameters:
  ///   - set: validation data, normalised.
  ///   - channels: of the normalisation; nil for z500, or the first where there is no z500.
  ///   - leadHours: multiples of `stepHours`; nil for those of `usualLeads` that the data allow.
  ///   - starts: as many initial times, or all where there are fewer.
  /// - Returns: nil where no lead time is left.
  /// - Throws: `ApusError` of kind `badData` where the data are too short for a lead time that was asked for.
  public init?(
    _ set: TrainingSet, normalisation: Normalisation, grid: SphereGrid, stepHours: Int,
    channels: [String]? = nil, leadHours: [Int]? = nil, starts: Int, threads: Int = Parallel.defaultThreads
  ) throws {
    func reaches(_ hours: Int) -> Bool { set.cut(steps: hours / stepHours).count > 0 }
    let leads =
      leadHours ?? ForecastValidation.usualLeads.filter { $0 % stepHours == 0 && reaches($0) }
    guard let last = leads.max() else { return nil }
    guard reaches(last) else {
      throw ApusError(
        .badData, "the validation data are too short for the lead time", variable: "lead_hours",
        found: "\(last) h", expected: "an unbroken stretch of more than \(last / stepHours) steps",
        advice: "Give shorter lead_hours under validation, or more data under data.validation.")
    }
    self.leadHours = leads.sorted()
    let all = normalisation.channels
    self.channels = channels ?? [all.contains("z500") ? "z500" : all[0]]
    places = self.channels.compactMap { all.firstIndex(of: $0) }
    self.set = set.cut(steps: last / stepHours)
    let count = min(starts, self.set.count)
    let samples = self.set.count
    self.starts = (0..<count).map { $0 * samples / count }
    self.stepHours = stepHours
    self.normalisation = normalisation
    weights = AreaWeights(grid)
    persistence = try meanSquares(threads: threads) { [self] start, error in
      for lead in self.leadHours.indices { error(lead, state(start, step: 0)) }
    }
  }

  /// Scores of forecasts by a checkpoint, lead by lead, in each channel by channel.
  ///
  /// A forecast that is not finite scores infinity.
  public func scores(_ checkpoint: Checkpoint, threads: Int = Parallel.defaultThreads) throws
    -> [ValidationScore]
  {
    let errors = try meanSquares(threads: threads) { start, error in
      var forecast = CheckpointForecast(
        checkpoint,
        from: State(
          channels: normalisation.channels, grid: checkpoint.grid, time: set.time(start, step: 0),
          values: state(start, step: 0)))
      for (lead, hours) in leadHours.enumerated() {
        forecast.advance(toHours: hours)
        error(lead, forecast.state.values)
      }
    }
    return leadHours.indices.flatMap { lead in
      channels.indices.map { channel in
        let error = errors[lead][channel]
        return ValidationScore(
          channel: channels[channel], leadHours: leadHours[lead],
          rmse: error.isNaN ? .infinity : error.squareRoot(),
          persistence: persistence[lead][channel].squareRoot())
      }
    }
  }

  /// Mean square errors [lead][channel] over the starts, summed in their order.
  private func meanSquares(
    threads: Int,
    _ forecast: @Sendable (_ start: Int, _ error: (_ lead: Int, _ values: [Float]) -> Void) throws -> Void
  ) throws -> [[Double]] {
    let slots = Slots<[[Double]]>(starts.count)
    try Parallel.forEach(starts.count, threads: threads) { number, _ in
      var errors = leadHours.map { _ in channels.map { _ in Double.nan } }
      try forecast(starts[number]) { lead, values in
        let truth = state(starts[number], step: leadHours[lead] / stepHours)
        for (channel, place) in places.enumerated() {
          errors[lead][channel] = meanSquare(values, truth, place)
        }
      }
      slots[number] = errors
    }
    let all = slots.values
    return leadHours.indices.map { lead in
      channels.indices.map { channel in
        all.reduce(0) { $0 + $1[lead][channel] } / Double(all.count)
      }
    }
  }

  private func meanSquare(_ forecast: [Float], _ truth: [Float], _ channel: Int) -> Double {
    let range = channel * set.points..<(channel + 1) * set.points
    let values = forecast[range].map(Double.init)
    // The area mean leaves NaN out; a forecast with NaN is no forecast.
    guard values.allSatisfy(\.isFinite) else { return .nan }
    return CaseScores.ErrorOfOne(values, truth: truth[range].map(Double.init), weights: weights)
      .meanSquareError
  }

  /// A state in physical units.
  private func state(_ start: Int, step: Int) -> [Float] {
    let count = set.channels * set.points
    return [Float](unsafeUninitializedCapacity: count) { target, filled in
      if let base = target.baseAddress {
        normalisation.restore(set.state(start, step: step), into: base, points: set.points)
      }
      filled = count
    }
  }
}
