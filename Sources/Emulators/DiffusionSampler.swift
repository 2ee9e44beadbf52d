import Basics
import Foundation

/// Preconditioning of a denoiser (Karras et al. 2022, table 1) for data of variance 1 a number:
///
///     D(x; sigma) = x / (sigma^2 + 1) + sigma / sqrt(sigma^2 + 1) F(x / sqrt(sigma^2 + 1), ln(sigma) / 4)
public struct Preconditioning: Sendable {
  /// Factors on the noisy field: past the network, into it; and on what comes out of it.
  public let skip, input, output: Double

  /// The factors at a noise level.
  public init(sigma: Double) {
    let total = sigma * sigma + 1
    skip = 1 / total
    input = 1 / total.squareRoot()
    output = sigma / total.squareRoot()
  }

  /// What the squared error of D is multiplied with, so that F's target has variance 1: 1 / output^2.
  public static func lossWeight(sigma: Double) -> Double { (sigma * sigma + 1) / (sigma * sigma) }
}

/// Integrates the probability-flow equation dx/dsigma = (x - D(x; sigma)) / sigma from noise to a sample, without
/// further noise (Karras et al. 2022; spec/emulators.md 3.1, 5b, 7).
public struct DiffusionSampler: Sendable, Hashable, Codable {
  /// How a step is made.
  public enum Method: String, Sendable, Codable, CaseIterable {
    /// Second order, two evaluations a step but the last (Karras et al. 2022, algorithm 1).
    case heun
    /// DPM-Solver++(2S): mid level sqrt(sigma_i sigma_i+1), exponential steps (Lu et al. 2022).
    case dpmSolver2S = "dpm_solver_2s"
  }

  /// How a step is made.
  public var method: Method
  /// Noise levels.
  public var levels: Int
  /// First and last noise level, in standard deviations of the whitened data.
  public var sigmaMaximum, sigmaMinimum: Double
  /// Levels are equal steps of sigma^(1/rho).
  public var rho: Double
  /// Factor on the starting noise; above 1 it spreads the samples further.
  public var noiseFactor: Double

  /// A sampler; the defaults are those that spec/emulators.md 7 found for whitened data: 15 evaluations.
  public init(
    method: Method = .heun, levels: Int = 8, sigmaMaximum: Double = 5, sigmaMinimum: Double = 0.1,
    rho: Double = 7, noiseFactor: Double = 1
  ) {
    (self.method, self.levels, self.rho) = (method, levels, rho)
    (self.sigmaMaximum, self.sigmaMinimum) = (sigmaMaximum, sigmaMinimum)
    self.noiseFactor = noiseFactor
  }

  /// Whether a sampler read from a file can work.
  var isUsable: Bool {
    (2...1000).contains(levels) && sigmaMinimum > 0 && sigmaMaximum > sigmaMinimum && rho > 0 && rho.isFinite
      && sigmaMaximum.isFinite && noiseFactor > 0 && noiseFactor.isFinite
  }

  /// Evaluations of the denoiser a sample takes.
  public var evaluations: Int { 2 * levels - 1 }

  /// The noise levels, falling, and 0 at the end.
  public var schedule: [Double] {
    let (high, low) = (pow(sigmaMaximum, 1 / rho), pow(sigmaMinimum, 1 / rho))
    let step = (low - high) / Double(max(levels - 1, 1))
    var result = (0..<levels).map { (i: Int) -> Double in pow(high + Double(i) * step, rho) }
    result.append(0)
    return result
  }

  /// Turns noise into a sample, in place.
  /// - Parameters:
  ///   - x: `count` numbers; unit white noise on entry.
  ///   - scratch: 3 x `count` numbers.
  ///   - denoise: writes D(x; sigma) for noisy numbers x.
  public func sample(
    _ x: UnsafeMutablePointer<Float>, count: Int, scratch: UnsafeMutablePointer<Float>,
    denoise:
      (_ x: UnsafePointer<Float>, _ sigma: Double, _ result: UnsafeMutablePointer<Float>) -> Void
  ) {
    let levels = schedule
    let start = Float(levels[0] * noiseFactor)
    for i in 0..<count { x[i] *= start }
    let (denoised, slope, other) = (scratch, scratch + count, scratch + 2 * count)
    for (sigma, next) in zip(levels, levels.dropFirst()) {
      denoise(x, sigma, denoised)
      if next == 0 {
        x.update(from: denoised, count: count)
        continue
      }
      switch method {
      case .heun:
        let (inverse, step) = (Float(1 / sigma), Float(next - sigma))
        for i in 0..<count {
          slope[i] = (x[i] - denoised[i]) * inverse
          other[i] = x[i] + step * slope[i]
        }
        denoise(other, next, denoised)
        let inverseNext = Float(1 / next)
        for i in 0..<count {
          x[i] += step / 2 * (slope[i] + (other[i] - denoised[i]) * inverseNext)
        }
      case .dpmSolver2S:
        let middle = (sigma * next).squareRoot()
        let (a, b) = (Float(middle / sigma), Float(next / sigma))
        for i in 0..<count { other[i] = a * x[i] + (1 - a) * denoised[i] }
        denoise(other, middle, denoised)
        for i in 0..<count { x[i] = b * x[i] + (1 - b) * denoised[i] }
      }
    }
  }
}
