import Kernels

/// Instance normalisation: y = weight (x - mean) / sqrt(variance + 1e-6) + bias per channel, with the plain
/// (not area-weighted) mean and biased variance over all points (spec/hens.md 1.1).
///
/// Kept as the line y = scale x + shift, so that it fuses into the pass that follows. Channels are padded to
/// whole vectors; beyond the last one all lines are 0.
package struct InstanceNorm {
  static let epsilon = 1e-6

  /// Merges the moments of parts and writes scale, shift, mean and 1/deviation to `lines` [4][padded].
  ///
  /// With a modulation (FiLM, Perez et al. 2018) y = (weight + s) xhat + bias + t, with s and t of one sample.
  /// - Parameters:
  ///   - modulation: s and t, [2][padded]; nil for none.
  ///   - moments: [part][mean, sum of squared differences][padded], see `ChannelPasses.moments`.
  ///   - partPoints: points of every part but the last, which has the rest of `points`.
  package static func merge(
    _ moments: UnsafePointer<Float>, partPoints: Int, points: Int, channels: Int,
    weight: UnsafePointer<Float>, bias: UnsafePointer<Float>, modulation: UnsafePointer<Float>? = nil,
    into lines: UnsafeMutablePointer<Float>
  ) {
    let padded = ChannelPadding.padded(channels)
    let parts = (points + partPoints - 1) / partPoints
    func size(_ part: Int) -> Double { Double(min(partPoints, points - part * partPoints)) }
    for c in 0..<channels {
      var sum = 0.0
      for part in 0..<parts { sum += size(part) * Double(moments[part * 2 * padded + c]) }
      let mean = sum / Double(points)
      var squares = 0.0
      for part in 0..<parts {
        let shift = Double(moments[part * 2 * padded + c]) - mean
        squares += Double(moments[part * 2 * padded + padded + c]) + size(part) * shift * shift
      }
      let inverse = 1 / (squares / Double(points) + epsilon).squareRoot()
      let scale = (Double(weight[c]) + Double(modulation?[c] ?? 0)) * inverse
      lines[c] = Float(scale)
      lines[padded + c] = Float(Double(bias[c]) + Double(modulation?[padded + c] ?? 0) - mean * scale)
      lines[2 * padded + c] = Float(mean)
      lines[3 * padded + c] = Float(inverse)
    }
  }

  /// The adjoint, from sums over the points of parts of dy and of dy x: writes
  /// dx = scale (dy - mean(dy) - xhat mean(dy xhat)) as lines a, b, c of dx = a dy + b x + c.
  /// - Parameters:
  ///   - sums: [part][dy, dy x][padded].
  ///   - modulationGradient: dL/ds and dL/dt, [2][padded], written over; nil where there is no modulation.
  ///   - adjointLines: [3][padded].
  package static func adjointLines(
    _ lines: UnsafePointer<Float>, sums: UnsafePointer<Float>, parts: Int, points: Int, channels: Int,
    weightGradient: UnsafeMutablePointer<Float>, biasGradient: UnsafeMutablePointer<Float>,
    modulationGradient: UnsafeMutablePointer<Float>? = nil, into adjointLines: UnsafeMutablePointer<Float>
  ) {
    let padded = ChannelPadding.padded(channels)
    let n = Double(points)
    for c in 0..<channels {
      var (sum, product) = (0.0, 0.0)
      for part in 0..<parts {
        sum += Double(sums[part * 2 * padded + c])
        product += Double(sums[part * 2 * padded + padded + c])
      }
      let scale = Double(lines[c])
      let mean = Double(lines[2 * padded + c])
      let inverse = Double(lines[3 * padded + c])
      let projection = (product - mean * sum) * inverse  // sum of dy xhat
      weightGradient[c] += Float(projection)
      biasGradient[c] += Float(sum)
      modulationGradient?[c] = Float(projection)
      modulationGradient?[padded + c] = Float(sum)
      let b = -scale * inverse * projection / n
      adjointLines[c] = Float(scale)
      adjointLines[padded + c] = Float(b)
      adjointLines[2 * padded + c] = Float(-scale * sum / n - b * mean)
    }
  }
}
