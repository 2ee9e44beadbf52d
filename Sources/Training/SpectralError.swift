import Basics
import Sphere

/// The part of the loss that weighs every scale by what it changes in a step:
///
///     L_s = weight sum over c of w_c / sum(w) 1/(L-1) sum over l = 1..<L of E_cl / T_cl
///
/// E_cl is the power at degree l of the error of channel c, T_cl the mean power at degree l of the truth's
/// change in one step, both in z-scores. An area mean hardly sees the small scales of a steep spectrum: z500
/// at l = 28 has a 10^-5 of its variance there, so a network may err by all of it, step after step, until the
/// noise fills the spectrum. Here an error as large as the change itself costs the same at every degree.
///
/// The adjusted form (Subich et al. 2025) replaces E_l by
///
///     A_l = (sqrt(P) - sqrt(Q))^2 + 2 max(P, Q) (1 - C),   C = X / sqrt(P Q)
///
/// with P, Q the power of forecast and truth at degree l and X their cross power, all of one sample. Where the
/// pattern cannot be predicted, E_l is least for a forecast without amplitude, A_l for one with the truth's.
public struct SpectralError: Sendable {
  /// What is summed over degrees.
  public enum Form: Sendable {
    /// E_l, the power of the error.
    case squared
    /// A_l, amplitude and coherence apart.
    case adjusted
  }

  /// What is summed over degrees.
  public let form: Form
  /// Factor on the whole.
  public let weight: Double
  /// T_cl, [channel][degree].
  public let tendencyPower: [[Double]]
  private let transform: SphericalTransform<Float>
  /// weight w_c / sum(w) / ((L-1) 4 pi T_cl), [degree][channel].
  private let factors: [Double]
  private let channels: Int

  /// Scratch of one thread.
  public struct Workspace: Sendable {
    /// Spectra of forecast and truth, [order][degree][re, im][channel].
    let forecast, truth: AlignedBuffer<Float>
    let gradient: AlignedBuffer<Float>
    /// P, Q and E of every degree and channel, [3][degree][channel].
    let powers: AlignedBuffer<Double>
    /// What forecast and difference are multiplied with in the gradient, [2][degree][channel].
    let slopes: AlignedBuffer<Float>
    let transform: TransformWorkspace<Float>
  }

  /// Measures T_cl on up to 200 samples, evenly spread over `set`.
  /// - Parameters:
  ///   - degrees: l below this, what the data holds.
  ///   - channelWeights: w_c, in the set's order.
  public init(
    _ set: TrainingSet, grid: SphereGrid, degrees: Int, weight: Double, channelWeights: [Double],
    form: Form = .squared
  ) {
    self.weight = weight
    self.form = form
    channels = set.channels
    transform = SphericalTransform(grid: grid, degrees: degrees)
    let count = min(200, set.count)
    var power = [[Double]](repeating: [Double](repeating: 0, count: degrees), count: channels)
    let (points, degreeCount) = (grid.pointCount, transform.degrees)
    for number in 0..<count {
      let sample = number * set.count / count
      let (before, after) = (set.state(sample, step: 0), set.state(sample, step: 1))
      let change = (0..<channels * points).map { after[$0] - before[$0] }
      let coefficients = transform.forward(change, count: channels)
      let size = degreeCount * transform.orders * 2
      for channel in 0..<channels {
        let perHarmonic = PowerSpectrum.perDegree(
          coefficients: coefficients[channel * size..<(channel + 1) * size].map(Double.init),
          degrees: degreeCount, orders: transform.orders)
        for l in 0..<degreeCount {
          power[channel][l] += perHarmonic[l] * Double(2 * l + 1) / (4 * .pi) / Double(max(count, 1))
        }
      }
    }
    tendencyPower = power
    let total = channelWeights.reduce(0, +)
    var factors = [Double](repeating: 0, count: degrees * channels)
    for l in 1..<max(degrees, 2) where l < degrees {
      for channel in 0..<channels {
        // A floor, so that a degree that never changes does not rule all others.
        let floor = 1e-6 * (power[channel].max() ?? 1)
        let share = weight * channelWeights[channel] / total / Double(degrees - 1)
        factors[l * channels + channel] = share / (4 * .pi * max(power[channel][l], floor, 1e-30))
      }
    }
    self.factors = factors
  }

  /// Scratch of one thread.
  public func makeWorkspace() -> Workspace {
    let size = channels * transform.grid.pointCount
    let coefficients = transform.coefficientCount(channels)
    return Workspace(
      forecast: AlignedBuffer(coefficients), truth: AlignedBuffer(coefficients),
      gradient: AlignedBuffer(size), powers: AlignedBuffer(3 * channels * transform.degrees),
      slopes: AlignedBuffer(2 * channels * transform.degrees), transform: transform.makeWorkspace(channels))
  }

  /// L_s of one sample.
  public func loss(_ forecast: [Float], _ truth: [Float]) -> Double {
    evaluate(forecast, truth, factor: 1, addingTo: nil, makeWorkspace())
  }

  /// L_s of one sample; its gradient for the forecast, times `factor`, is added to `gradient`.
  func evaluate(
    _ forecast: UnsafePointer<Float>, _ truth: UnsafePointer<Float>, factor: Double,
    addingTo gradient: UnsafeMutablePointer<Float>?, _ space: Workspace
  ) -> Double {
    let (a, b) = (space.forecast.pointer, space.truth.pointer)
    transform.forward(forecast, count: channels, into: a, space.transform)
    transform.forward(truth, count: channels, into: b, space.transform)
    sumPowers(space)
    let loss = weigh(space, factor: factor)
    guard let gradient else { return loss }
    let slopes = space.slopes.pointer
    let size = channels * transform.degrees
    transform.eachRow(channels) { l, m, row in
      let twice: Float = m == 0 ? 1 : 2  // for -m too
      let (own, difference) = (slopes + l * channels, slopes + size + l * channels)
      for channel in 0..<channels {
        let (x, y) = (a[row + channel], b[row + channel])
        a[row + channel] = 2 * twice * (own[channel] * x + difference[channel] * (x - y))
      }
    }
    transform.forwardAdjoint(a, count: channels, into: space.gradient.pointer, space.transform)
    for i in 0..<channels * transform.grid.pointCount { gradient[i] += space.gradient.pointer[i] }
    return loss
  }

  /// P, Q and E by degree and channel.
  private func sumPowers(_ space: Workspace) {
    let (a, b, powers) = (space.forecast.pointer, space.truth.pointer, space.powers.pointer)
    let size = channels * transform.degrees
    powers.update(repeating: 0, count: 3 * size)
    transform.eachRow(channels) { l, m, row in
      let twice: Float = m == 0 ? 1 : 2  // for -m too
      let sums = powers + l * channels
      for channel in 0..<channels {
        let (x, y) = (a[row + channel], b[row + channel])
        sums[channel] += Double(twice * x * x)
        sums[size + channel] += Double(twice * y * y)
        sums[2 * size + channel] += Double(twice * (x - y) * (x - y))
      }
    }
  }

  /// The loss from P, Q and E, and the slopes: the gradient by a coefficient a of the forecast is
  /// 2 (own a + difference (a - b)).
  private func weigh(_ space: Workspace, factor: Double) -> Double {
    let (powers, slopes) = (space.powers.pointer, space.slopes.pointer)
    let size = channels * transform.degrees
    var loss = 0.0
    for i in 0..<size {
      let (p, q, error) = (max(powers[i], 1e-20), max(powers[size + i], 1e-20), powers[2 * size + i])
      let share = factors[i]
      var (own, difference) = (0.0, 1.0)
      switch form {
      case .squared: loss += share * error
      case .adjusted:
        // E - d^2 = 2 sqrt(P Q) (1 - C): written so, nothing cancels where forecast and truth are close.
        let amplitude = p.squareRoot() - q.squareRoot()
        let pattern = max(0, error - amplitude * amplitude)
        let ratio = (max(p, q) / min(p, q)).squareRoot()
        let incoherence = pattern / (2 * (p * q).squareRoot())
        loss += share * (amplitude * amplitude + ratio * pattern)
        difference = ratio
        own =
          p >= q
          ? incoherence + (2 - ratio - 1 / ratio)
          : (1 - ratio) * (1 - ratio) - incoherence * ratio * ratio
      }
      slopes[i] = Float(factor * share * own)
      slopes[size + i] = Float(factor * share * difference)
    }
    return loss
  }
}
