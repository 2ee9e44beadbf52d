import CVector

/// Passes over points [point][channel], channels padded to whole vectors: what products do not do.
///
/// Per-channel numbers (`scale`, `shift`, `bias`, sums) are rows of `channels` floats.
public enum ChannelPasses {
  /// y = gelu(scale x + shift).
  public static func affineGELU(
    _ x: UnsafePointer<Float>, points: Int, channels: Int, scale: UnsafePointer<Float>,
    shift: UnsafePointer<Float>, into y: UnsafeMutablePointer<Float>
  ) {
    var c = 0
    while c < channels {
      let (a, b) = ((scale + c).vector, (shift + c).vector)
      var at = c
      for _ in 0..<points {
        let z = b.fma(a, (x + at).vector)
        (y + at).vector = GELU.value(z)
        at &+= channels
      }
      c &+= 16
    }
  }

  /// y = gelu(scale x + shift) and slope = gelu'(scale x + shift).
  public static func affineGELUWithSlope(
    _ x: UnsafePointer<Float>, points: Int, channels: Int, scale: UnsafePointer<Float>,
    shift: UnsafePointer<Float>, into y: UnsafeMutablePointer<Float>, slope: UnsafeMutablePointer<Float>
  ) {
    for point in 0..<points {
      let at = point &* channels
      var c = 0
      while c < channels {
        let z = (shift + c).vector.fma((scale + c).vector, (x + at + c).vector)
        let (value, derivative) = GELU.valueAndSlope(z)
        (y + at + c).vector = value
        (slope + at + c).vector = derivative
        c &+= 16
      }
    }
  }

  /// y = gelu(x + bias).
  public static func biasGELU(
    _ x: UnsafePointer<Float>, points: Int, channels: Int, bias: UnsafePointer<Float>,
    into y: UnsafeMutablePointer<Float>
  ) {
    for point in 0..<points {
      let (x, y) = (x + point &* channels, y + point &* channels)
      var c = 0
      while c < channels {
        (y + c).vector = GELU.value((x + c).vector + (bias + c).vector)
        c &+= 16
      }
    }
  }

  /// y = gelu(x + bias), d *= gelu'(x + bias), and d's sum over points is added to `sums`.
  public static func biasGELUAdjoint(
    _ x: UnsafePointer<Float>, points: Int, channels: Int, bias: UnsafePointer<Float>,
    into y: UnsafeMutablePointer<Float>, _ d: UnsafeMutablePointer<Float>,
    addingTo sums: UnsafeMutablePointer<Float>
  ) {
    var c = 0
    while c < channels {
      let b = (bias + c).vector
      var sum = Vector.zero
      var at = c
      for _ in 0..<points {
        let (value, slope) = GELU.valueAndSlope((x + at).vector + b)
        let product = (d + at).vector * slope
        (y + at).vector = value
        (d + at).vector = product
        sum += product
        at &+= channels
      }
      (sums + c).vector += sum
      c &+= 16
    }
  }

  /// d *= slope; writes the sums over points of d and of d x to `sums` [2][channel].
  public static func multiply(
    _ d: UnsafeMutablePointer<Float>, by slope: UnsafePointer<Float>, _ x: UnsafePointer<Float>, points: Int,
    channels: Int, sums: UnsafeMutablePointer<Float>
  ) {
    Self.sums(x, points: points, channels: channels, into: sums) { at in
      let value = (d + at).vector * (slope + at).vector
      (d + at).vector = value
      return value
    }
  }

  /// Sums over points of d and of d x, written to `sums` [2][channel].
  public static func sums(
    _ d: UnsafePointer<Float>, _ x: UnsafePointer<Float>, points: Int, channels: Int,
    into sums: UnsafeMutablePointer<Float>
  ) {
    Self.sums(x, points: points, channels: channels, into: sums) { (d + $0).vector }
  }

  /// Sums over points of `value` and of `value` times x, where `value(at)` has the vector at place `at`.
  @inline(__always) private static func sums(
    _ x: UnsafePointer<Float>, points: Int, channels: Int, into sums: UnsafeMutablePointer<Float>,
    value: (_ at: Int) -> Vector
  ) {
    var c = 0
    while c < channels {
      var (sum, product) = (Vector.zero, Vector.zero)
      var at = c
      for _ in 0..<points {
        let value = value(at)
        sum += value
        product = product.fma(value, (x + at).vector)
        at &+= channels
      }
      (sums + c).vector = sum
      (sums + channels + c).vector = product
      c &+= 16
    }
  }

  /// y = scale x + shift.
  public static func affine(
    _ x: UnsafePointer<Float>, points: Int, channels: Int, scale: UnsafePointer<Float>,
    shift: UnsafePointer<Float>, into y: UnsafeMutablePointer<Float>
  ) {
    for point in 0..<points {
      let at = point &* channels
      var c = 0
      while c < channels {
        (y + at + c).vector = (shift + c).vector.fma((scale + c).vector, (x + at + c).vector)
        c &+= 16
      }
    }
  }

  /// y = a d + b x + c, with a, b, c rows [3][channel]; y may be d.
  public static func combine(
    _ d: UnsafePointer<Float>, _ x: UnsafePointer<Float>, points: Int, channels: Int,
    lines: UnsafePointer<Float>, into y: UnsafeMutablePointer<Float>
  ) {
    for point in 0..<points {
      let at = point &* channels
      var c = 0
      while c < channels {
        (y + at + c).vector = combined((d + at + c).vector, (x + at + c).vector, lines + c, channels)
        c &+= 16
      }
    }
  }

  /// a d + b x + c of one vector, with a, b, c `channels` apart.
  @inlinable @inline(__always) public static func combined(
    _ d: Vector, _ x: Vector, _ line: UnsafePointer<Float>, _ channels: Int
  ) -> Vector {
    let rest = apus_fma((line + channels).vector, x, (line + 2 &* channels).vector)
    return apus_fma(line.vector, d, rest)
  }

  /// y += x.
  public static func add(_ x: UnsafePointer<Float>, _ count: Int, to y: UnsafeMutablePointer<Float>) {
    var i = 0
    while i &+ 16 <= count {
      (y + i).vector += (x + i).vector
      i &+= 16
    }
    while i < count {
      y[i] += x[i]
      i &+= 1
    }
  }

  /// Per channel the mean over `points`, and the sum of squared differences from that mean, written to
  /// `moments` [2][channel]: two passes over what the first leaves in the cache, so that nothing cancels.
  /// - Parameter row: numbers from one point, and one line of moments, to the next, where they have more
  ///   channels than are wanted.
  public static func moments(
    _ x: UnsafePointer<Float>, points: Int, channels: Int, row: Int? = nil,
    into moments: UnsafeMutablePointer<Float>
  ) {
    let row = row ?? channels
    let share = 1 / Float(points)
    var c = 0
    while c < channels {
      var sum = Vector.zero
      var at = c
      for _ in 0..<points {
        sum += (x + at).vector
        at &+= row
      }
      let mean = sum * share
      var squares = Vector.zero
      at = c
      for _ in 0..<points {
        let difference = (x + at).vector - mean
        squares = squares.fma(difference, difference)
        at &+= row
      }
      (moments + c).vector = mean
      (moments + row + c).vector = squares
      c &+= 16
    }
  }

  /// [channel][point], rows `stride` apart, to [point][padded], zero beyond `channels`.
  public static func interleave(
    _ x: UnsafePointer<Float>, stride: Int, channels: Int, points: Int, padded: Int,
    into y: UnsafeMutablePointer<Float>
  ) {
    Transposition.run(rows: channels, columns: points, x, stride: stride, into: y, stride: padded)
    guard channels < padded else { return }
    for point in 0..<points {
      (y + point &* padded + channels).update(repeating: 0, count: padded &- channels)
    }
  }

  /// [point][padded] to [channel][point], rows `stride` apart.
  public static func separate(
    _ x: UnsafePointer<Float>, stride: Int, channels: Int, points: Int, padded: Int,
    into y: UnsafeMutablePointer<Float>
  ) {
    Transposition.run(rows: points, columns: channels, x, stride: padded, into: y, stride: stride)
  }
}
