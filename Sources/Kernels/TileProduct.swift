#if APUS_AMX
  import CVector

  /// Real products on the matrix unit of the processor (AMX), as exact as single precision.
  ///
  /// The unit multiplies bfloat16 with eight bits of mantissa, sixteen times as fast as the vector unit multiplies
  /// single precision. A number x of single precision (24 bits) is exactly h + m + l, each of eight bits cut off from
  /// what the last left. Of the nine partial products of x y those of relative size 1 (h h), 2^-8 (h m, m h) and
  /// 2^-16 (m m, h l, l h) are computed and added up in single precision; the three left out are below 2^-23.
  /// The error of a sum over d numbers is that of rounding its additions, about d^(1/2) 2^-24 of the size of
  /// its terms, as with single precision throughout (Henry, Tang and Heinecke 2019, arXiv:1904.06376). Numbers
  /// below 2^-110 or so lose their smaller parts: the unit takes what is subnormal for 0.
  ///
  /// With `ProductPrecision.high` a number is h + m, h rounded to the nearest, and h h, h m and m h are computed: half
  /// the work, and errors of a term of 3 x 2^-16 of its size at most, of either sign. With `medium` it is h alone, and
  /// terms are wrong by up to 2^-8 of their size.
  ///
  /// Every number of C is a sum in one fixed order, whatever rows and columns are computed with it. Whether a
  /// product is taken over depends on depth and columns alone: a row's bits do not depend on the others.
  enum TileProduct {
    /// Whether the system grants the unit's registers; asked once.
    static let isGranted = apus_tiles_requested() != 0

    /// What is in the caches at a time: a panel of two tiles' columns, and of A as much as there is room for.
    private static let columnsAtOnce = 32
    private static let depthAtOnce = 640
    private static func rowsAtOnce(_ depth: Int, _ precision: ProductPrecision) -> Int {
      Int(APUS_LEFT_ROOM) / precision.blockWords / blocks(depth) / 2 * 32
    }

    /// Whether a product is taken over, with B split at every call or once for all. Narrower ones are as fast on
    /// the vector unit.
    @inline(__always) static func takes(
      columns: Int, depth: Int, _ a: MatrixView, _ precision: ProductPrecision
    ) -> Bool {
      let least = precision == .highest ? 256 : 64
      return depth >= 48 && columns >= least && (a.column == 1 || a.row == 1) && isGranted
    }
    @inline(__always) static func takesPrepared(
      columns: Int, depth: Int, _ precision: ProductPrecision
    ) -> Bool {
      let least = precision == .highest ? 96 : 64
      return depth >= least && columns >= least && columns % 16 == 0 && columns <= Product.widest && isGranted
    }

    private static func blocks(_ depth: Int) -> Int { (depth + 31) / 32 }
    static func partWords(depth: Int, columns: Int, _ precision: ProductPrecision) -> Int {
      columns / 16 * blocks(depth) * precision.blockWords
    }

    /// C [rows][columns] = or += A [rows][depth] B [depth][columns], `columns` a multiple of 16.
    /// - Parameter parts: those of B, where `split` has made them.
    static func run(
      rows: Int, columns: Int, depth: Int, _ a: MatrixView, _ b: UnsafePointer<Float>, bRow: Int,
      parts: UnsafePointer<UInt32>? = nil, _ c: UnsafeMutablePointer<Float>, cRow: Int, accumulate: Bool,
      precision: ProductPrecision, ahead: Prefetch?
    ) {
      let words = precision.blockWords
      var ahead = ahead
      ahead?.share((rows + 31) / 32 * ((columns + 31) / 32))
      let (left, panel) = (apus_left_room(), apus_right_room())
      apus_tiles_configured()
      for first in stride(from: 0, to: depth, by: depthAtOnce) {
        let part = min(depthAtOnce, depth &- first)
        let line = blocks(part) &* words
        let step = parts != nil && part &* columns <= 65536 ? 32 : rowsAtOnce(part, precision)
        for top in stride(from: 0, to: rows, by: step) {
          let height = min(step, rows &- top)
          split(a, top, height, first, part, precision, into: left)
          for side in stride(from: 0, to: columns, by: columnsAtOnce) {
            let width = min(columnsAtOnce, columns &- side)
            var (right, across) = (UnsafePointer(panel), line)
            if let parts {
              across = blocks(depth) &* words
              right = parts + side / 16 &* across + first / 32 &* words
            } else {
              split(b + first &* bRow + side, bRow, part, width, precision, into: panel)
            }
            for row in stride(from: 0, to: height, by: 32) {
              multiply(
                apus_blocks(
                  left: left + row / 16 &* line, right: right, count: blocks(part), down: line,
                  across: across,
                  parts: precision.parts
                ),
                c + (top &+ row) &* cRow + side, cRow, accumulate || first > 0, rows: min(32, height &- row),
                columns: width)
              ahead?.turn()
            }
          }
        }
      }
      apus_tiles_released()
    }

    /// The parts of some rows and columns of A.
    private static func split(
      _ a: MatrixView, _ top: Int, _ height: Int, _ first: Int, _ depth: Int, _ precision: ProductPrecision,
      into left: UnsafeMutablePointer<UInt32>
    ) {
      let (parts, words) = (precision.parts, precision.blockWords)
      var target = left
      for row in stride(from: 0, to: height, by: 16) {
        let start = a.start + (top &+ row) &* a.row + first &* a.column
        let count = min(16, height &- row)
        if a.column == 1 {
          apus_left_blocks(start, a.row, count, depth, parts, target)
        } else {
          for k in stride(from: 0, to: depth, by: 32) {
            apus_left_block_transposed(
              start + k &* a.column, a.column, count, min(32, depth &- k), parts, target + k / 32 &* words)
          }
        }
        target += blocks(depth) &* words
      }
    }

    /// The parts of B [depth][columns], [column / 16][depth / 32][part].
    static func split(
      _ b: UnsafePointer<Float>, _ bRow: Int, _ depth: Int, _ columns: Int, _ precision: ProductPrecision,
      into right: UnsafeMutablePointer<UInt32>
    ) {
      var target = right
      for column in stride(from: 0, to: columns, by: 16) {
        for k in stride(from: 0, to: depth, by: 32) {
          apus_right_block(b + k &* bRow + column, bRow, min(32, depth &- k), precision.parts, target)
          target += precision.blockWords
        }
      }
    }

    /// Up to 32 rows and columns of C; where rows do not fill whole tiles, through a copy.
    @inline(__always) private static func multiply(
      _ sum: apus_blocks, _ c: UnsafeMutablePointer<Float>, _ cRow: Int, _ accumulate: Bool, rows: Int,
      columns: Int
    ) {
      let (below, beside): (Int32, Int32) = (rows > 16 ? 1 : 0, columns > 16 ? 1 : 0)
      if rows % 16 == 0 {
        apus_tiles_product(sum, c, cRow, accumulate ? 1 : 0, below, beside)
      } else {
        multiplyByCopy(sum, c, cRow, accumulate, rows, columns, below, beside)
      }
    }

    private static func multiplyByCopy(
      _ sum: apus_blocks, _ c: UnsafeMutablePointer<Float>, _ cRow: Int, _ accumulate: Bool, _ rows: Int,
      _ columns: Int, _ below: Int32, _ beside: Int32
    ) {
      withUnsafeTemporaryAllocation(byteCount: 32 * 32 * 4, alignment: 64) { room in
        guard let copy = room.baseAddress?.assumingMemoryBound(to: Float.self) else { return }
        if accumulate { move(rows, columns, UnsafePointer(c), cRow, to: copy, 32) }
        apus_tiles_product(sum, copy, 32, accumulate ? 1 : 0, below, beside)
        move(rows, columns, UnsafePointer(copy), 32, to: c, cRow)
      }
    }

    private static func move(
      _ rows: Int, _ columns: Int, _ source: UnsafePointer<Float>, _ sourceRow: Int,
      to target: UnsafeMutablePointer<Float>, _ targetRow: Int
    ) {
      for row in 0..<rows {
        for column in stride(from: 0, to: columns, by: 16) {
          (target + row &* targetRow + column).vector = (source + row &* sourceRow + column).vector
        }
      }
    }
  }
#endif
