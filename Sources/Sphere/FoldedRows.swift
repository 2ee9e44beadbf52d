/// Rows of reals split by symmetry, so that a Fourier sum by products takes a quarter of the operations.
///
/// A cosine is even about longitude 0 and, about a quarter turn, even or odd as its order is; a sine
/// likewise the other way round. With c_j = f_j + f_(n-j), s_j = f_j - f_(n-j) and h = n / 2, for
/// 0 < j < n / 4 the parts of a row are
///
///     cosines of even orders   c_j + c_(h-j)     cosines of odd orders   c_j - c_(h-j)
///     sines of even orders     s_j - s_(h-j)     sines of odd orders     s_j + s_(h-j)
///
/// and at j = 0 and n / 4, where points fall together, each point once. A part has n / 4 + 1 places, of which
/// those that are zero stay zero; parts lie [part][row][place].
enum FoldedRows {
  /// Places of a part.
  static func places(_ length: Int) -> Int { length / 4 + 1 }

  /// The order in which parts lie.
  enum Part: Int, CaseIterable {
    case evenCosines, evenSines, oddCosines, oddSines
    var isOdd: Bool { self == .oddCosines || self == .oddSines }
    var isSine: Bool { self == .evenSines || self == .oddSines }
  }

  @inline(__always) static func fold<Scalar: TransformScalar>(
    _ rows: UnsafePointer<Scalar>, count: Int, length n: Int, into parts: UnsafeMutablePointer<Scalar>
  ) {
    let (quarter, half) = (n / 4, n / 2)
    let width = quarter + 1
    for row in 0..<count {
      let f = rows + row &* n
      let (evenCos, evenSin) = (parts + row &* width, parts + (count &+ row) &* width)
      let (oddCos, oddSin) = (parts + (2 &* count &+ row) &* width, parts + (3 &* count &+ row) &* width)
      evenCos[0] = f[0] + f[half]
      oddCos[0] = f[0] - f[half]
      evenSin[0] = 0
      oddSin[0] = 0
      var j = 1
      while j < quarter {
        let (a, b, c, d) = (f[j], f[n &- j], f[half &- j], f[half &+ j])
        let (c0, s0, c1, s1) = (a + b, a - b, c + d, c - d)
        evenCos[j] = c0 + c1
        oddCos[j] = c0 - c1
        evenSin[j] = s0 - s1
        oddSin[j] = s0 + s1
        j &+= 1
      }
      evenCos[quarter] = f[quarter] + f[n &- quarter]
      oddCos[quarter] = 0
      evenSin[quarter] = 0
      oddSin[quarter] = f[quarter] - f[n &- quarter]
    }
  }

  @inline(__always) static func unfold<Scalar: TransformScalar>(
    _ parts: UnsafePointer<Scalar>, count: Int, length n: Int, into rows: UnsafeMutablePointer<Scalar>
  ) {
    let (quarter, half) = (n / 4, n / 2)
    let width = quarter + 1
    for row in 0..<count {
      let f = rows + row &* n
      let (evenCos, evenSin) = (parts + row &* width, parts + (count &+ row) &* width)
      let (oddCos, oddSin) = (parts + (2 &* count &+ row) &* width, parts + (3 &* count &+ row) &* width)
      f[0] = evenCos[0] + oddCos[0]
      f[half] = evenCos[0] - oddCos[0]
      var j = 1
      while j < quarter {
        let (c0, c1) = (evenCos[j] + oddCos[j], evenCos[j] - oddCos[j])
        let (s0, s1) = (oddSin[j] + evenSin[j], oddSin[j] - evenSin[j])
        f[j] = c0 + s0
        f[n &- j] = c0 - s0
        f[half &- j] = c1 + s1
        f[half &+ j] = c1 - s1
        j &+= 1
      }
      f[quarter] = evenCos[quarter] + oddSin[quarter]
      f[n &- quarter] = evenCos[quarter] - oddSin[quarter]
    }
  }
}
