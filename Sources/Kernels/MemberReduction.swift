import CVector

/// What a batch of members adds to the sums of an ensemble, at a row of points.
///
/// Differences d from a reference are rounded to whole ticks q = d / tick, so that sums of q and q^2 are exact
/// whole numbers: any order of members and any split into parts give the same bits.
public enum MemberReduction {
  /// Differences beyond this many ticks count as this many: 128 of the standard deviations that ticks are made of.
  public static let furthestTicks: Float = 8_388_608

  /// Room for the sums of `count` points, each a multiple of 16 long.
  public struct Moments {
    let sum: UnsafeMutablePointer<Int64>
    let squares: UnsafeMutablePointer<Int64>
    let least: UnsafeMutablePointer<Float>
    let most: UnsafeMutablePointer<Float>
    let leastMember: UnsafeMutablePointer<Int32>
    let mostMember: UnsafeMutablePointer<Int32>

    /// Sums of q and q^2, extremes and the members that have them.
    public init(
      sum: UnsafeMutablePointer<Int64>, squares: UnsafeMutablePointer<Int64>,
      least: UnsafeMutablePointer<Float>, most: UnsafeMutablePointer<Float>,
      leastMember: UnsafeMutablePointer<Int32>, mostMember: UnsafeMutablePointer<Int32>
    ) {
      self.sum = sum
      self.squares = squares
      self.least = least
      self.most = most
      self.leastMember = leastMember
      self.mostMember = mostMember
    }
  }

  /// Adds members to moments.
  /// - Parameters:
  ///   - members: rows of `count` values, a multiple of 16; at most 128 of them.
  ///   - numbers: the members' numbers: of equal extremes the lowest number stands.
  ///   - ticksPerUnit: 1 / tick.
  public static func add(
    _ members: UnsafeBufferPointer<UnsafePointer<Float>>, numbers: UnsafePointer<Int32>,
    reference: UnsafePointer<Float>, ticksPerUnit: Float, count: Int, to moments: Moments
  ) {
    for start in stride(from: 0, to: count, by: 16) {
      let centre = (reference + start).vector
      var sum = apus_integers.zero
      var (lower, upper) = (SIMD8<Int64>.zero, SIMD8<Int64>.zero)
      var (least, most) = ((moments.least + start).vector, (moments.most + start).vector)
      var leastMember = load(moments.leastMember + start)
      var mostMember = load(moments.mostMember + start)
      for (member, values) in members.enumerated() {
        let x = (values + start).vector
        let q = apus_nearest(apus_limited((x - centre) * ticksPerUnit, furthestTicks))
        sum &+= q
        let (low, high) = (apus_lower(q), apus_upper(q))
        lower &+= low &* low
        upper &+= high &* high
        let number = SIMD16<Int32>(repeating: numbers[member])
        let isLeast = (x .< least) .| ((x .== least) .& (number .< leastMember))
        least.replace(with: x, where: isLeast)
        leastMember.replace(with: number, where: isLeast)
        let isMost = (x .> most) .| ((x .== most) .& (number .< mostMember))
        most.replace(with: x, where: isMost)
        mostMember.replace(with: number, where: isMost)
      }
      (moments.least + start).vector = least
      (moments.most + start).vector = most
      store(leastMember, moments.leastMember + start)
      store(mostMember, moments.mostMember + start)
      add(apus_lower(sum), apus_upper(sum), to: moments.sum + start)
      add(lower, upper, to: moments.squares + start)
    }
  }

  /// A bound that members are counted beyond.
  public enum Bound {
    /// The same everywhere.
    case constant(Float)
    /// Its own at every point.
    case field(UnsafePointer<Float>)
    /// So much above the reference.
    case aboveReference(Float)
  }

  /// Counts the members above a bound; `counts` of `count` points, a multiple of 16.
  public static func count(
    _ members: UnsafeBufferPointer<UnsafePointer<Float>>, above bound: Bound,
    reference: UnsafePointer<Float>, count: Int, into counts: UnsafeMutablePointer<UInt16>
  ) {
    for start in stride(from: 0, to: count, by: 16) {
      let limit: Vector =
        switch bound {
        case .constant(let value): Vector(repeating: value)
        case .field(let values): (values + start).vector
        case .aboveReference(let offset): (reference + start).vector + offset
        }
      var above = apus_integers.zero
      for values in members { above = apus_count_above(above, (values + start).vector, limit) }
      let place = UnsafeMutableRawPointer(counts + start)
      let sum = apus_add_short(place.loadUnaligned(as: SIMD16<UInt16>.self), above)
      place.storeBytes(of: sum, as: SIMD16<UInt16>.self)
    }
  }

  @inline(__always) private static func load(_ place: UnsafeMutablePointer<Int32>) -> SIMD16<Int32> {
    UnsafeRawPointer(place).loadUnaligned(as: SIMD16<Int32>.self)
  }
  @inline(__always) private static func store(_ value: SIMD16<Int32>, _ place: UnsafeMutablePointer<Int32>) {
    UnsafeMutableRawPointer(place).storeBytes(of: value, as: SIMD16<Int32>.self)
  }
  @inline(__always) private static func add(
    _ lower: SIMD8<Int64>, _ upper: SIMD8<Int64>, to place: UnsafeMutablePointer<Int64>
  ) {
    let raw = UnsafeMutableRawPointer(place)
    raw.storeBytes(of: raw.loadUnaligned(as: SIMD8<Int64>.self) &+ lower, as: SIMD8<Int64>.self)
    raw.storeBytes(
      of: raw.loadUnaligned(fromByteOffset: 64, as: SIMD8<Int64>.self) &+ upper, toByteOffset: 64,
      as: SIMD8<Int64>.self)
  }
}
