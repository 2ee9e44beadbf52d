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
public struct SpectralError: Sendable {
  /// Factor on the whole.
  public let weight: Double
  /// T_cl, [channel][degree].
  public let tendencyPower: [[Double]]
  private let transform: SphericalTransform<Float>
  /// 2 weight w_c / sum(w) / ((L-1) 4 pi T_cl), [degree][channel].
  private let factors: [Float]
  private let channels: Int

  /// Scratch of one thread.
  public struct Workspace: Sendable {
    let error, spectrum, gradient: AlignedBuffer<Float>
    let transform: TransformWorkspace<Float>
  }

  /// Measures T_cl on up to 200 samples, evenly spread over `set`.
  /// - Parameters:
  ///   - degrees: l below this, what the data holds.
  ///   - channelWeights: w_c, in the set's order.
  public init(_ set: TrainingSet, grid: SphereGrid, degrees: Int, weight: Double, channelWeights: [Double]) {
    self.weight = weight
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
    var factors = [Float](repeating: 0, count: degrees * channels)
    for l in 1..<max(degrees, 2) where l < degrees {
      for channel in 0..<channels {
        // A floor, so that a degree that never changes does not rule all others.
        let floor = 1e-6 * (power[channel].max() ?? 1)
        let share = weight * channelWeights[channel] / total / Double(degrees - 1)
        factors[l * channels + channel] = Float(2 * share / (4 * .pi * max(power[channel][l], floor, 1e-30)))
      }
    }
    self.factors = factors
  }

  /// Scratch of one thread.
  public func makeWorkspace() -> Workspace {
    let size = channels * transform.grid.pointCount
    return Workspace(
      error: AlignedBuffer(size), spectrum: AlignedBuffer(transform.coefficientCount(channels)),
      gradient: AlignedBuffer(size), transform: transform.makeWorkspace(channels))
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
    let size = channels * transform.grid.pointCount
    let (error, spectrum) = (space.error.pointer, space.spectrum.pointer)
    for i in 0..<size { error[i] = forecast[i] - truth[i] }
    transform.forward(error, count: channels, into: spectrum, space.transform)
    var loss = 0.0
    for m in 0..<transform.orders {
      let twice: Float = m == 0 ? 1 : 2
      for l in m..<transform.degrees {
        var part: Float = 0
        for side in 0..<2 {
          let row = spectrum + ((m * transform.degrees + l) * 2 + side) * channels
          for channel in 0..<channels {
            let slope = twice * factors[l * channels + channel] * row[channel]
            part += slope * row[channel]
            row[channel] = slope * Float(factor)
          }
        }
        loss += 0.5 * Double(part)
      }
    }
    guard let gradient else { return loss }
    transform.forwardAdjoint(spectrum, count: channels, into: space.gradient.pointer, space.transform)
    for i in 0..<size { gradient[i] += space.gradient.pointer[i] }
    return loss
  }
}
