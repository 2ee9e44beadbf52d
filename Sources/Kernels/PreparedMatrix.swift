/// The right operand of many products: a matrix as it lies, and, where products read it in another form, its parts in
/// that order (`TileProduct`, `PairProduct`).
public struct PreparedMatrix {
  /// Element (0, 0); columns contiguous.
  public let start: UnsafePointer<Float>
  /// Numbers from one row to the next.
  public let row: Int
  /// As `prepare` has filled it; nil where there is none.
  let parts: UnsafePointer<UInt32>?
  /// What `parts` is made for.
  let precision: ProductPrecision

  /// - Parameters:
  ///   - parts: what `prepare` filled, 64-byte aligned; not read where `partWords` is 0.
  @inline(__always) public init(
    _ start: UnsafePointer<Float>, row: Int, depth: Int, columns: Int, parts: UnsafePointer<UInt32>,
    precision: ProductPrecision = .highest
  ) {
    (self.start, self.row, self.precision) = (start, row, precision)
    self.parts = Self.partWords(depth: depth, columns: columns, precision) > 0 ? parts : nil
  }

  /// A matrix that is read as it lies, in single precision.
  @inline(__always) public init(lying start: UnsafePointer<Float>, row: Int) {
    (self.start, self.row, parts, precision) = (start, row, nil, .highest)
  }

  /// Words that the parts of a matrix take; 0 where products read it as it lies.
  @inline(__always) public static func partWords(
    depth: Int, columns: Int, _ precision: ProductPrecision = .highest
  ) -> Int {
    #if APUS_AMX
      TileProduct.takesPrepared(columns: columns, depth: depth, precision)
        ? TileProduct.partWords(depth: depth, columns: columns, precision) : 0
    #elseif APUS_BF16
      precision == .medium && PairProduct.takes(depth: depth) && columns % 16 == 0
        && columns <= Product.widest
        ? PairProduct.partWords(depth: depth, columns: columns) : 0
    #else
      0
    #endif
  }

  /// Fills the parts of B [depth][columns], if it has any; 64-byte aligned.
  public static func prepare(
    depth: Int, columns: Int, _ b: UnsafePointer<Float>, row: Int, precision: ProductPrecision = .highest,
    into parts: UnsafeMutablePointer<UInt32>
  ) {
    #if APUS_AMX
      guard partWords(depth: depth, columns: columns, precision) > 0 else { return }
      TileProduct.split(b, row, depth, columns, precision, into: parts)
    #elseif APUS_BF16
      guard partWords(depth: depth, columns: columns, precision) > 0 else { return }
      PairProduct.prepare(b, row, depth, columns, into: parts)
    #endif
  }
}
