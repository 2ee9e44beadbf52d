import Fields
import Kernels
import Sphere

/// The loss of HENS (spec/hens.md 1.9), in z-scores p and t of forecast and truth:
///
///     L = sum over c of W_c <(p_c - t_c)^2> / <t_c^2>,   W_c = w_c / sum(w) (sigma_c / sigma_tendency_c)^2
///
/// < > is the area mean, here by the grid's quadrature (HENS: sin of an evenly spaced colatitude). The
/// absolute variant leaves out the division. sigma over sigma_tendency measures errors in units of what
/// changes in one step, so slow channels count as much as fast ones.
public struct TendencyLoss: Sendable {
  /// Whether errors are divided by <t^2>.
  public let isRelative: Bool
  /// W_c.
  public let channelWeights: [Double]
  /// The part that weighs every scale alike; nil for HENS' loss alone.
  public var spectral: SpectralError?
  /// w_c, in the order of the channels.
  public let chosenWeights: [Double]
  private let grid: SphereGrid
  private let rowWeights: [Double]

  /// A loss for channels of a normalisation.
  /// - Parameter weights: w_c by name; others take HENS' own.
  public init(_ normalisation: Normalisation, grid: SphereGrid, isRelative: Bool, weights: [String: Double]) {
    self.isRelative = isRelative
    self.grid = grid
    rowWeights = grid.areaWeights.map { $0 / Double(grid.pointCount) }
    let chosen = normalisation.channels.map { weights[$0] ?? TendencyLoss.hensWeight($0) }
    chosenWeights = chosen
    let total = chosen.reduce(0, +)
    channelWeights = chosen.indices.map { channel in
      let ratio = normalisation.deviation[channel] / normalisation.tendencyDeviation[channel]
      return chosen[channel] / total * ratio * ratio
    }
  }

  /// w_c of HENS: 0.001 p [hPa] on pressure levels, 1 for 2 metre temperatures, 0.1 for other surface
  /// channels, 0.01 else.
  public static func hensWeight(_ name: String) -> Double {
    guard let channel = ChannelCatalogue.channel(name) else { return 0.01 }
    if let level = channel.level { return 0.001 * Double(level) }
    if ["t2m", "d2m"].contains(name) { return 1 }
    return ["u10", "v10", "u100", "v100", "tp", "sp", "msl", "tcwv"].contains(name) ? 0.1 : 0.01
  }

  /// The loss of one sample; its gradient for the forecast, times `factor`, is written to `gradient`.
  /// - Parameters:
  ///   - forecast, truth: [channel][point], z-scores.
  ///   - gradient: [channel][point]; nil where not wanted.
  ///   - space: scratch of the spectral part; without it that part is left out.
  public func evaluate(
    _ forecast: UnsafePointer<Float>, _ truth: UnsafePointer<Float>, factor: Double = 1,
    gradient: UnsafeMutablePointer<Float>?, _ space: SpectralError.Workspace? = nil
  ) -> Double {
    let (points, columns) = (grid.pointCount, grid.longitudeCount)
    var loss = 0.0
    for channel in channelWeights.indices {
      let (p, t) = (forecast + channel * points, truth + channel * points)
      var (error, size) = (0.0, 0.0)
      for row in 0..<grid.latitudeCount {
        let (rowError, rowSize) = Self.sums(p + row * columns, t + row * columns, columns)
        error += rowWeights[row] * Double(rowError)
        size += rowWeights[row] * Double(rowSize)
      }
      let scale = channelWeights[channel] / (isRelative ? max(size, 1e-12) : 1)
      loss += scale * error
      guard let gradient else { continue }
      let d = gradient + channel * points
      for row in 0..<grid.latitudeCount {
        let slope = Float(2 * factor * scale * rowWeights[row])
        for i in row * columns..<(row + 1) * columns { d[i] = slope * (p[i] - t[i]) }
      }
    }
    if let spectral, let space {
      loss += spectral.evaluate(forecast, truth, factor: factor, addingTo: gradient, space)
    }
    return loss
  }

  /// Sums of (p - t)^2 and of t^2 over a row.
  private static func sums(
    _ p: UnsafePointer<Float>, _ t: UnsafePointer<Float>, _ count: Int
  ) -> (error: Float, size: Float) {
    var (errors, sizes) = (Vector.zero, Vector.zero)
    let whole = count / 16 * 16
    for i in stride(from: 0, to: whole, by: 16) {
      let truth = (t + i).vector
      let difference = (p + i).vector - truth
      errors += difference * difference
      sizes += truth * truth
    }
    var (error, size) = (errors.sum(), sizes.sum())
    for i in whole..<count {
      error += (p[i] - t[i]) * (p[i] - t[i])
      size += t[i] * t[i]
    }
    return (error, size)
  }
}
