import CVector

/// Sixteen floats: one register with AVX-512, two with AVX2.
public typealias Vector = SIMD16<Float>

extension UnsafePointer<Float> {
  /// Sixteen numbers from here.
  @inlinable @inline(__always) public var vector: Vector {
    UnsafeRawPointer(self).loadUnaligned(as: Vector.self)
  }
}

extension UnsafeMutablePointer<Float> {
  /// Sixteen numbers from here.
  @inlinable @inline(__always) public var vector: Vector {
    get { UnsafeRawPointer(self).loadUnaligned(as: Vector.self) }
    nonmutating set { UnsafeMutableRawPointer(self).storeBytes(of: newValue, as: Vector.self) }
  }
}

/// Numbers of the channel axis as the kernels want it.
public enum ChannelPadding {
  /// `count` rounded up to whole vectors.
  @inlinable public static func padded(_ count: Int) -> Int { (count + 15) / 16 * 16 }
}

extension Vector {
  /// self + a b, rounded once.
  @inline(__always) func fma(_ a: Vector, _ b: Vector) -> Vector { apus_fma(a, b, self) }

  /// self - a b, rounded once.
  @inline(__always) func fnma(_ a: Vector, _ b: Vector) -> Vector { apus_fnma(a, b, self) }
}
