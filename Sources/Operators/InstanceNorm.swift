/// Instance normalisation: y = weight (x - mean) / sqrt(variance + 1e-6) + bias per channel, with the plain
/// (not area-weighted) mean and biased variance over all points (spec/hens.md 1.1).
///
/// Kept as the line y = scale x + shift, so that it fuses into the pass that follows.
package struct InstanceNorm {
  static let epsilon = 1e-6

  /// Measures x [channel][point] and writes, per channel, scale, shift, mean and 1/deviation to `lines`
  /// [4][channel].
  package static func measure(
    _ x: UnsafePointer<Float>, channels: Int, points: Int, weight: UnsafePointer<Float>,
    bias: UnsafePointer<Float>, into lines: UnsafeMutablePointer<Float>
  ) {
    for c in 0..<channels {
      let (mean, variance) = PointwiseKernels.moments(x + c * points, points)
      let inverse = 1 / (variance + epsilon).squareRoot()
      let scale = Double(weight[c]) * inverse
      lines[c] = Float(scale)
      lines[channels + c] = Float(Double(bias[c]) - mean * scale)
      lines[2 * channels + c] = Float(mean)
      lines[3 * channels + c] = Float(inverse)
    }
  }

  /// The adjoint, given per channel the sums over points of dy and of dy x:
  /// dx = scale (dy - mean(dy) - xhat mean(dy xhat)), as the line dx = a dy + b x + c.
  package static func adjointLine(
    _ lines: UnsafePointer<Float>, channel c: Int, channels: Int, points: Int, sum: Double, product: Double,
    weightGradient: UnsafeMutablePointer<Float>, biasGradient: UnsafeMutablePointer<Float>
  ) -> (a: Float, b: Float, c: Float) {
    let scale = Double(lines[c])
    let mean = Double(lines[2 * channels + c])
    let inverse = Double(lines[3 * channels + c])
    let projection = (product - mean * sum) * inverse  // sum of dy xhat
    weightGradient[c] += Float(projection)
    biasGradient[c] += Float(sum)
    let n = Double(points)
    let b = -scale * inverse * projection / n
    return (Float(scale), Float(b), Float(-scale * sum / n - b * mean))
  }
}
