import Basics
import Fields
import Foundation
import Sphere

/// Scales fields degree by degree so that every spherical harmonic of what is drawn has variance 1
/// (spec/emulators.md 5b):
///
///     w_lm = a_lm / s_cl,    s_cl^2 = mean over draws and orders of |a_lm|^2 L^2 / (4 pi)
///
/// White noise is then a field whose every a_lm has variance 4 pi / L^2, and variance 1 at every point
/// (spec/emulators.md 3.9). Degrees l >= L are cut off.
public struct SpectralWhitening: Sendable {
  /// Truncation.
  public let transform: SphericalTransform<Float>
  /// Channels.
  public let channels: Int
  /// s [set][channel][degree]; a set is a lead time.
  public let deviations: [[[Double]]]
  /// s [set][degree][channel], and its inverse.
  private let factors, inverses: [AlignedBuffer<Float>]

  /// From deviations [set][channel][degree], all above 0.
  public init(transform: SphericalTransform<Float>, deviations: [[[Double]]]) {
    self.transform = transform
    self.deviations = deviations
    channels = deviations.first?.count ?? 0
    func table(_ value: (Double) -> Double) -> [AlignedBuffer<Float>] {
      deviations.map { lines in
        AlignedBuffer((0..<transform.degrees).flatMap { l in lines.map { Float(value($0[l])) } })
      }
    }
    factors = table { $0 }
    inverses = table { 1 / $0 }
  }

  /// Scratch of one thread for `channels` fields.
  public struct Workspace: Sendable {
    let spectrum: AlignedBuffer<Float>
    let transform: TransformWorkspace<Float>
  }

  /// Scratch of one thread.
  public func makeWorkspace() -> Workspace {
    Workspace(
      spectrum: AlignedBuffer(transform.coefficientCount(channels)),
      transform: transform.makeWorkspace(channels))
  }

  /// Whitens fields [channel][point].
  public func whiten(
    _ fields: UnsafePointer<Float>, set: Int, into result: UnsafeMutablePointer<Float>, _ space: Workspace
  ) { apply(inverses[set], fields, into: result, space) }

  /// The inverse of `whiten` for fields without degrees beyond the truncation.
  public func colour(
    _ fields: UnsafePointer<Float>, set: Int, into result: UnsafeMutablePointer<Float>, _ space: Workspace
  ) { apply(factors[set], fields, into: result, space) }

  /// The transpose of `whiten`.
  public func whitenAdjoint(
    _ gradient: UnsafePointer<Float>, set: Int, into result: UnsafeMutablePointer<Float>, _ space: Workspace
  ) { applyAdjoint(inverses[set], gradient, into: result, space) }

  /// The transpose of `colour`.
  public func colourAdjoint(
    _ gradient: UnsafePointer<Float>, set: Int, into result: UnsafeMutablePointer<Float>, _ space: Workspace
  ) { applyAdjoint(factors[set], gradient, into: result, space) }

  /// Multiplies every degree by its number in `table`.
  private func apply(
    _ table: AlignedBuffer<Float>, _ fields: UnsafePointer<Float>,
    into result: UnsafeMutablePointer<Float>, _ space: Workspace
  ) {
    transform.forward(fields, count: channels, into: space.spectrum.pointer, space.transform)
    scale(space, table)
    transform.inverse(space.spectrum.pointer, count: channels, into: result, space.transform)
  }

  private func applyAdjoint(
    _ table: AlignedBuffer<Float>, _ gradient: UnsafePointer<Float>,
    into result: UnsafeMutablePointer<Float>, _ space: Workspace
  ) {
    transform.inverseAdjoint(gradient, count: channels, into: space.spectrum.pointer, space.transform)
    scale(space, table)
    transform.forwardAdjoint(space.spectrum.pointer, count: channels, into: result, space.transform)
  }

  /// White noise of variance 1 at every point, [channel][point]; pair (l (l + 1) / 2 + m) channels + c of the stream
  /// makes coefficient (l, m) of channel c.
  public func noise(
    _ stream: Philox, into result: UnsafeMutablePointer<Float>, _ space: Workspace
  ) {
    SphericalNoise.fill(
      space.spectrum.pointer, transform, count: channels, stream: stream,
      deviation: (4 * Double.pi).squareRoot() / Double(transform.degrees))
    transform.inverse(space.spectrum.pointer, count: channels, into: result, space.transform)
  }

  private func scale(_ space: Workspace, _ table: AlignedBuffer<Float>) {
    let (spectrum, channels) = (space.spectrum.pointer, channels)
    transform.eachRow(channels) { l, _, row in
      let line = table.pointer + l * channels
      for c in 0..<channels { spectrum[row + c] *= line[c] }
    }
  }
}

/// Coefficients of isotropic noise.
public enum SphericalNoise {
  /// Fills native coefficients of `count` fields with independent normals: a_l0 real with the full variance, Re and
  /// Im of m > 0 with half of it each, so that fields are isotropic (spec/emulators.md 3.9).
  public static func fill(
    _ spectrum: UnsafeMutablePointer<Float>, _ transform: SphericalTransform<Float>, count: Int,
    stream: Philox, deviation: Double
  ) {
    let half = deviation * 0.5.squareRoot()
    for m in 0..<transform.orders {
      for l in m..<transform.degrees {
        let row = spectrum + (m * transform.degrees + l) * 2 * count
        for field in 0..<count {
          let pair = stream.normalPair(UInt64((l * (l + 1) / 2 + m) * count + field))
          row[field] = Float(pair.0 * (m == 0 ? deviation : half))
          row[count + field] = m == 0 ? 0 : Float(pair.1 * half)
        }
      }
    }
  }
}

/// Sums the power of fields by degree, to fit a `SpectralWhitening`.
public struct WhiteningFit: Sendable {
  private let transform: SphericalTransform<Float>
  private let channels: Int
  /// [set][channel][degree], and the number of draws of each set.
  private var power: [[[Double]]]
  private var counts: [Int]

  /// Nothing summed yet.
  public init(transform: SphericalTransform<Float>, channels: Int, sets: Int) {
    self.transform = transform
    self.channels = channels
    let lines = [[Double]](repeating: [Double](repeating: 0, count: transform.degrees), count: channels)
    power = .init(repeating: lines, count: sets)
    counts = .init(repeating: 0, count: sets)
  }

  /// Adds fields [channel][point].
  public mutating func add(_ fields: UnsafePointer<Float>, set: Int, _ space: SpectralWhitening.Workspace) {
    let spectrum = space.spectrum.pointer
    transform.forward(fields, count: channels, into: spectrum, space.transform)
    transform.eachRow(channels) { l, m, row in
      let share = (m == 0 ? 1.0 : 2) / Double(2 * l + 1)
      for c in 0..<channels {
        power[set][c][l] += share * Double(spectrum[row + c]) * Double(spectrum[row + c])
      }
    }
    counts[set] += 1
  }

  /// Scratch that `add` takes.
  public func makeWorkspace() -> SpectralWhitening.Workspace {
    SpectralWhitening(transform: transform, deviations: [power[0]]).makeWorkspace()
  }

  /// The whitening; no degree has less than 10^-4 of the largest degree's power.
  public func whitening() -> SpectralWhitening {
    let white = 4 * Double.pi / Double(transform.degrees * transform.degrees)
    return SpectralWhitening(
      transform: transform,
      deviations: zip(power, counts).map { lines, count in
        lines.map { line in
          let floor = max(1e-4 * (line.max() ?? 0), .leastNormalMagnitude)
          return line.map { (max($0, floor) / Double(max(count, 1)) / white).squareRoot() }
        }
      })
  }
}
