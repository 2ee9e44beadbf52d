import Basics
import Sphere

/// Gathers the sums that a `Normalisation` is made of, one archive after another.
public struct NormalisationSums: Sendable {
  private let channels: [String]
  private let grid: SphereGrid
  private var count = 0
  private var steps = 0
  private var mean: [Double]
  private var square: [Double]
  private var tendencySquare: [Double]
  // Sums are of differences from the first state's mean, so that squares do not cancel.
  private var origin: [Double] = []

  /// Sums of nothing.
  public init(channels: [String], grid: SphereGrid) {
    self.channels = channels
    self.grid = grid
    mean = channels.map { _ in 0 }
    square = mean
    tendencySquare = mean
  }

  /// Adds states that follow each other, [time][channel][latitude][longitude], physical units; each time
  /// `stride` states on is one step later.
  public mutating func add(
    _ states: [Float], times: Int, stride: Int = 1, threads: Int = Parallel.defaultThreads
  )
    throws
  {
    let points = grid.pointCount
    let size = channels.count * points
    let weights = grid.areaWeights.map { $0 / Double(points) }
    if origin.isEmpty {
      origin = channels.indices.map { channel in Double(states[channel * points]) }
    }
    let (origin, grid) = (origin, grid)
    let parts = AlignedBuffer<Double>(times * channels.count * 3)
    let channelCount = channels.count
    try Parallel.forEach(times, threads: threads) { time, _ in
      states.withUnsafeBufferPointer { states in
        for channel in 0..<channelCount {
          let start = time * size + channel * points
          var (first, second, change) = (0.0, 0.0, 0.0)
          for row in 0..<grid.latitudeCount {
            var (a, b, c) = (0.0, 0.0, 0.0)
            for column in 0..<grid.longitudeCount {
              let i = start + row * grid.longitudeCount + column
              let x = Double(states[i]) - origin[channel]
              a += x
              b += x * x
              if time + stride < times {
                let step = Double(states[i + stride * size]) - Double(states[i])
                c += step * step
              }
            }
            first += weights[row] * a
            second += weights[row] * b
            change += weights[row] * c
          }
          let place = (time * channelCount + channel) * 3
          parts.pointer[place] = first
          parts.pointer[place + 1] = second
          parts.pointer[place + 2] = change
        }
      }
    }
    for time in 0..<times {
      for channel in channels.indices {
        let place = (time * channels.count + channel) * 3
        mean[channel] += parts.pointer[place]
        square[channel] += parts.pointer[place + 1]
        tendencySquare[channel] += parts.pointer[place + 2]
      }
    }
    count += times
    steps += max(times - stride, 0)
  }

  /// The normalisation of all that was added.
  /// - Throws: `ApusError` of kind `badData` for a channel that never changes, or no two states that follow each other.
  public func normalisation() throws -> Normalisation {
    let n = Double(max(count, 1))
    guard steps > 0 else {
      throw ApusError(
        .badData, "too few states to measure a step's change", found: "\(count)",
        expected: "two or more that follow each other without a gap")
    }
    var result = Normalisation(channels: channels, mean: [], deviation: [], tendencyDeviation: [])
    for channel in channels.indices {
      let first = mean[channel] / n
      let deviation = max(square[channel] / n - first * first, 0).squareRoot()
      let tendency = (tendencySquare[channel] / Double(max(steps, 1))).squareRoot()
      guard deviation > 0, tendency > 0, deviation.isFinite else {
        throw ApusError(
          .badData, "the channel never changes", variable: channels[channel],
          found: "standard deviation \(deviation), of its tendency \(tendency)",
          expected: "numbers above 0", advice: "Leave it out of the channels.")
      }
      result.mean.append(origin[channel] + first)
      result.deviation.append(deviation)
      result.tendencyDeviation.append(tendency)
    }
    return result
  }
}
