import Basics
import FieldIO
import Fields
import Models
import Sphere
import Verification

/// Control forecasts of several checkpoints from the same analyses, scored against what came of them.
struct SkillMeasurement: Sendable {
  let data: HeldOutData
  /// Initial times whose whole forecast lies in the data.
  let initialTimes: [Instant]
  /// Lead times [h], ascending.
  let leadHours: [Int]
  /// Numbers of the channels that are scored.
  let channels: [Int]
  /// The past of these channels, where there is one.
  let climate: ClimateMeans?
  /// Of the spectra.
  let transform: SphericalTransform<Double>

  /// What all forecasts together, or those of one initial time, come to.
  struct Outcome: Sendable {
    /// [lead time][channel]
    var sums: [[SkillSums]]
    /// Forecasts that were not finite, by initial time and checkpoint: the first lead time at which they were
    /// not.
    var notFinite: [NotFinite]
  }

  /// A forecast with values that are no numbers.
  struct NotFinite: Sendable, Hashable {
    /// Number of the checkpoint.
    let checkpoint: Int
    let initialTime: Instant
    let leadHours: Int
  }

  /// Initial times from `from` to `to` whose forecasts of up to `longest` hours lie within the data.
  /// - Throws: `ApusError` of kind `inputMissing` where there is none.
  static func initialTimes(from: Instant, to: Instant, everyHours: Int, longest: Int, in data: HeldOutData)
    throws -> [Instant]
  {
    let all = stride(from: from.seconds, through: to.seconds, by: everyHours * 3600).map {
      Instant(seconds: $0)
    }
    let times = data.archive.times
    guard let first = times.first, let last = times.last else {
      throw ApusError(.inputMissing, "the data hold no state", file: data.archive.files.first)
    }
    let inside = all.filter { first <= $0 && $0.adding(hours: longest) <= last }
    guard !inside.isEmpty else {
      throw ApusError(
        .inputMissing, "no initial time has its whole forecast in the data", file: data.archive.files.first,
        found: "states from \(first) to \(last)",
        expected: "an initial time from \(from) to \(to) and \(longest) h after it")
    }
    return inside
  }

  /// Makes and scores all forecasts.
  ///
  /// Initial times are worked on in parallel and summed in their order, so threads do not change a bit. No
  /// field outlives its lead time.
  /// - Throws: `ApusError` where a state is missing or damaged, or a stop was asked for.
  func run(threads: Int) throws -> Outcome {
    try data.require(initialTimes.flatMap { start in ([0] + leadHours).map { start.adding(hours: $0) } })
    let slots = Slots<Outcome>(initialTimes.count)
    try Parallel.forEach(initialTimes.count, threads: threads) { number, _ in
      slots[number] = try outcome(from: initialTimes[number])
    }
    let parts = slots.values
    return parts.dropFirst().reduce(into: parts[0]) { total, part in
      for lead in leadHours.indices {
        for channel in channels.indices { total.sums[lead][channel].add(part.sums[lead][channel]) }
      }
      total.notFinite += part.notFinite
    }
  }

  private func outcome(from start: Instant) throws -> Outcome {
    let analysis = try data.archive.state(at: start)
    var forecasts = data.checkpoints.map { CheckpointForecast($0, from: analysis) }
    var isFinite = forecasts.map { _ in true }
    var outcome = Outcome(sums: [], notFinite: [])
    for hours in leadHours {
      for place in forecasts.indices where isFinite[place] {
        try StopFlag.check(StopFlag.nothingWritten)
        forecasts[place].advance(toHours: hours)
        isFinite[place] = forecasts[place].isFinite
        if !isFinite[place] {
          outcome.notFinite.append(.init(checkpoint: place, initialTime: start, leadHours: hours))
        }
      }
      let states = zip(forecasts, isFinite).map { $1 ? $0.state : nil }
      outcome.sums.append(try sums(states, analysis, at: start.adding(hours: hours)))
    }
    return outcome
  }

  /// Scores of every channel at one valid time.
  private func sums(_ forecasts: [State?], _ analysis: State, at time: Instant) throws -> [SkillSums] {
    let past = try climate?.means(at: time)
    return try channels.enumerated().map { number, channel in
      let truth = try data.archive.load([time], channel: channel, threads: 1).map(Double.init)
      let truthPower = EnsembleSpectra.power(truth, transform, .standard)
      let fields = forecasts.map { $0?.field(channel) }
      func error(_ field: [Double]) -> [Double] { zip(field, truth).map { $0 - $1 } }
      func products(_ fields: [[Double]?]) -> ErrorProducts {
        ErrorProducts(fields.map { $0.map(error) }, weights: data.weights)
      }
      return SkillSums(
        errors: products(fields), persistence: products([analysis.field(channel)]),
        climatology: past.map { products([$0[number]]) },
        power: fields.map { field in
          var ratio = PowerRatio(degrees: transform.degrees)
          ratio.add(field.map { EnsembleSpectra.power($0, transform, .standard) }, truth: truthPower)
          return ratio
        })
    }
  }
}
