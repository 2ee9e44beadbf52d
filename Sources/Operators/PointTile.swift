import Kernels

/// Some neighbouring points that a pointwise stage takes through all its products while they are in the cache.
struct PointTile {
  /// Its place in the order of tiles.
  let number: Int
  /// First point and number of points.
  let start, count: Int
  /// Those of the tile that the same thread will most likely do next; none at the end of a field, or where
  /// a tile fills the cache by itself.
  let nextStart, nextCount: Int

  /// The rows of this tile in a field, to be asked for while a product of an earlier field is computed.
  @inline(__always) func here(_ field: UnsafePointer<Float>, _ width: Int) -> Prefetch? {
    nextCount == 0 ? nil : Prefetch(field + start &* width, rows: count, width: width, stride: width)
  }

  /// The rows of the next tile in one field or two.
  @inline(__always) func next(
    _ field: UnsafePointer<Float>, _ width: Int, and other: UnsafePointer<Float>? = nil
  ) -> Prefetch? {
    if nextCount == 0 { return nil }
    return Prefetch(
      field + nextStart &* width, and: other.map { $0 + nextStart &* width }, rows: nextCount, width: width,
      stride: width)
  }
}
