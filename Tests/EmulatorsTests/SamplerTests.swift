import Basics
import Emulators
import Foundation
import Sphere
import Testing

@Suite struct SamplerTests {
  /// Standard deviation of samples over the true one where each number has variance `variance` and the denoiser is
  /// exact, D = v / (v + sigma^2) x: the sampler is linear then, so one number tells all.
  static func ratio(_ sampler: DiffusionSampler, variance: Double) -> Double {
    let x = AlignedBuffer<Float>([1])
    let scratch = AlignedBuffer<Float>(3)
    sampler.sample(x.pointer, count: 1, scratch: scratch.pointer) { x, sigma, result in
      result[0] = Float(variance / (variance + sigma * sigma)) * x[0]
    }
    return abs(Double(x.pointer[0])) / variance.squareRoot()
  }

  /// spec/emulators.md 7: whitened target, Heun with 8 levels from 5 to 0.1.
  @Test(arguments: [(0.5, 1.018), (1, 1.009), (2, 0.987)])
  func whitenedHeun(_ variance: Double, _ expected: Double) {
    #expect(abs(SamplerTests.ratio(DiffusionSampler(), variance: variance) - expected) < 6e-4)
  }

  /// The same table: largest error over modes of variance 0.05 to 30, levels from 80 to 0.03.
  @Test(arguments: [
    (DiffusionSampler.Method.heun, 10, 0.174), (.heun, 20, 0.032), (.dpmSolver2S, 10, 0.068),
    (.dpmSolver2S, 12, 0.049), (.dpmSolver2S, 20, 0.021),
  ])
  func worstMode(_ method: DiffusionSampler.Method, _ levels: Int, _ worst: Double) {
    let sampler = DiffusionSampler(method: method, levels: levels, sigmaMaximum: 80, sigmaMinimum: 0.03)
    for variance in [30, 8.5, 0.64, 0.1] {
      let error = abs(SamplerTests.ratio(sampler, variance: variance) - 1)
      #expect(error < 1.1 * worst, "variance \(variance)")
    }
  }

  /// The error falls with the square of the step.
  @Test(arguments: DiffusionSampler.Method.allCases)
  func converges(_ method: DiffusionSampler.Method) {
    func error(_ levels: Int) -> Double {
      // What the first and the last level leave out does not fall with the step.
      let sampler = DiffusionSampler(
        method: method, levels: levels, sigmaMaximum: 80, sigmaMinimum: 1e-3)
      return abs(SamplerTests.ratio(sampler, variance: 1) - 80 / (80 * 80 + 1.0).squareRoot())
    }
    #expect(error(80) < error(40) / 3)
  }

  @Test func evaluationsAreCounted() {
    for method in DiffusionSampler.Method.allCases {
      let sampler = DiffusionSampler(method: method, levels: 7)
      let x = AlignedBuffer<Float>([1])
      let scratch = AlignedBuffer<Float>(3)
      var count = 0
      sampler.sample(x.pointer, count: 1, scratch: scratch.pointer) { x, _, result in
        count += 1
        result[0] = x[0] / 2
      }
      #expect(count == sampler.evaluations)
    }
  }

  /// A whole field on the sphere with a red spectrum: the spread of 300 samples, area mean, is what the modes'
  /// exact factors give, within its sampling error.
  @Test func gaussianField() throws {
    let grid = try SphereGrid(.gaussian, latitudes: 24, longitudes: 48)
    let transform = SphericalTransform<Float>(grid: grid, degrees: 24)
    let power = (0..<24).map { l in 4 / (1 + Double(l * l) / 25) }
    // Deviations of modes relative to white noise.
    let field = SpectralWhitening(transform: transform, deviations: [[power.map { $0.squareRoot() }]])
    let space = field.makeWorkspace()
    let sampler = DiffusionSampler(levels: 12, sigmaMaximum: 20, sigmaMinimum: 0.05)
    // D multiplies every degree by v / (v + sigma^2): one table a level.
    let levels = sampler.schedule.dropLast()
    let filters = SpectralWhitening(
      transform: transform,
      deviations: levels.map { sigma in [power.map { $0 / ($0 + sigma * sigma) }] })
    let (x, scratch) = (AlignedBuffer<Float>(grid.pointCount), AlignedBuffer<Float>(3 * grid.pointCount))
    let weights = grid.quadratureWeights.map { $0 / (2 * Double(grid.longitudeCount)) }
    let count = 300
    var squares: [Double] = []
    for number in 0..<count {
      field.noise(Philox(seed: 3, purpose: .test, UInt64(number)), into: x.pointer, space)
      sampler.sample(x.pointer, count: grid.pointCount, scratch: scratch.pointer) { x, sigma, result in
        let set = levels.firstIndex { $0 == sigma } ?? 0
        filters.colour(x, set: set, into: result, space)
      }
      var mean = 0.0
      for i in 0..<grid.pointCount {
        mean += weights[i / grid.longitudeCount] * Double(x.pointer[i] * x.pointer[i])
      }
      squares.append(mean)
    }
    let found = squares.reduce(0, +) / Double(count)
    var expected = 0.0
    for (l, v) in power.enumerated() {
      let factor = SamplerTests.ratio(sampler, variance: v)
      expected += Double(2 * l + 1) * v * factor * factor / (24 * 24)
    }
    let deviation =
      (squares.reduce(0) { $0 + ($1 - found) * ($1 - found) } / Double(count - 1)).squareRoot()
    #expect(abs(found - expected) < 3 * deviation / Double(count).squareRoot())
  }

  /// The preconditioned denoiser is the exact one of white data where the network gives nothing.
  @Test func preconditioning() {
    for sigma in [0.02, 0.5, 1, 7] {
      let factors = Preconditioning(sigma: sigma)
      #expect(abs(factors.skip - 1 / (1 + sigma * sigma)) < 1e-15)
      // The network's input has variance 1.
      #expect(abs(factors.input * factors.input * (1 + sigma * sigma) - 1) < 1e-12)
      #expect(abs(Preconditioning.lossWeight(sigma: sigma) * factors.output * factors.output - 1) < 1e-12)
    }
  }
}
