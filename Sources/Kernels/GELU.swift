import CVector

/// The exact GELU, x Phi(x), and its slope Phi(x) + x phi(x), sixteen numbers at a time.
///
/// Phi(x) - 1/2 and the slope less 1/2 are odd: x P(t) and x Q(t) with t = 2 (x / 5.5)^2 - 1 and polynomials
/// fitted at Chebyshev points; beyond 5.5 both are constant to float's precision. No division and no
/// exponential, which would take as long as all the rest. Measured against libm over [-12, 12]: the value
/// to 3e-7 of max(1, |x|), the slope to 7e-7.
enum GELU {
  private static let bound: Float = 5.5
  private static let square: Float = 0.06611570247933884  // 2 / 5.5^2

  @inline(__always) private static func step(_ p: inout Vector, _ coefficient: Float, _ t: Vector) {
    p = Vector(repeating: coefficient).fma(p, t)
  }

  @inline(__always) private static func cdf(_ z: Vector, _ t: Vector) -> Vector {
    var p = Vector(repeating: 0.0005133984959684312)
    step(&p, -0.0013566217385232449, t)
    step(&p, 0.001104130526073277, t)
    step(&p, -0.0012660303618758917, t)
    step(&p, 0.00413436209782958, t)
    step(&p, -0.007632690481841564, t)
    step(&p, 0.010532466694712639, t)
    step(&p, -0.014694269746541977, t)
    step(&p, 0.020267635583877563, t)
    step(&p, -0.02610645443201065, t)
    step(&p, 0.03208480030298233, t)
    step(&p, -0.03878793492913246, t)
    step(&p, 0.047736819833517075, t)
    step(&p, -0.06417245417833328, t)
    step(&p, 0.12855194509029388, t)
    return Vector(repeating: 0.5).fma(z, p)
  }

  @inline(__always) private static func derivative(_ z: Vector, _ t: Vector) -> Vector {
    var p = Vector(repeating: -0.0046714008785784245)
    step(&p, 0.012002409435808659, t)
    step(&p, -0.007260346785187721, t)
    step(&p, 0.004483749158680439, t)
    step(&p, -0.0266586747020483, t)
    step(&p, 0.04908017814159393, t)
    step(&p, -0.05390862748026848, t)
    step(&p, 0.06096041947603226, t)
    step(&p, -0.07261057198047638, t)
    step(&p, 0.0752384290099144, t)
    step(&p, -0.06891623139381409, t)
    step(&p, 0.060201745480298996, t)
    step(&p, -0.05372089147567749, t)
    step(&p, 0.053670067340135574, t)
    step(&p, -0.06574025750160217, t)
    step(&p, 0.12875917553901672, t)
    return Vector(repeating: 0.5).fma(z, p)
  }

  /// gelu(x); NaN where x is.
  @inline(__always) static func value(_ x: Vector) -> Vector {
    let z = apus_limited(x, bound)
    return x * cdf(z, Vector(repeating: -1).fma(z * square, z))
  }

  /// gelu(x) and gelu'(x).
  @inline(__always) static func valueAndSlope(_ x: Vector) -> (Vector, Vector) {
    let z = apus_limited(x, bound)
    let t = Vector(repeating: -1).fma(z * square, z)
    return (x * cdf(z, t), derivative(z, t))
  }
}
