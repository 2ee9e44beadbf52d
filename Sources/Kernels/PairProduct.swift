#if APUS_BF16
  import CVector

  /// Real products of numbers rounded to bfloat16 (eight bits of mantissa), two at a time, added up in single precision.
  ///
  /// For processors whose vector unit multiplies pairs of bfloat16 (AVX512_BF16) at twice the speed of single precision
  /// and that have no matrix unit. Both operands are rounded to the nearest as they are put in order: a term of a sum
  /// is wrong by 2^-8 of its size at most, of either sign. Numbers below 2^-126 count as 0.
  ///
  /// Every number of C is a sum in the order of the depth, 256 numbers at a time, whatever rows and columns are computed
  /// with it.
  enum PairProduct {
    /// What is put in order at a time: numbers of the depth, and rows of A (whole tiles of six and vectors of 16).
    private static let depthAtOnce = 256
    private static let rowsAtOnce = 240

    /// Whether a product is taken over; less deep ones are as fast in single precision.
    @inline(__always) static func takes(depth: Int) -> Bool { depth >= 32 }

    static func partWords(depth: Int, columns: Int) -> Int { (depth + 1) / 2 * columns }

    /// C [rows][columns] = or += A [rows][depth] B [depth][columns], `columns` a multiple of 16.
    /// - Parameter parts: the pairs of B, where `prepare` has made them.
    static func run(
      rows: Int, columns: Int, depth: Int, _ a: MatrixView, _ b: UnsafePointer<Float>, bRow: Int,
      parts: UnsafePointer<UInt32>? = nil, _ c: UnsafeMutablePointer<Float>, cRow: Int, accumulate: Bool,
      ahead: Prefetch?
    ) {
      let room = apus_pairs_right_room()
      var ahead = ahead
      ahead?.share((rows + 5) / 6 * ((columns + 63) / 64))
      for first in stride(from: 0, to: depth, by: depthAtOnce) {
        let part = min(depthAtOnce, depth &- first)
        let pairs = (part + 1) / 2
        for top in stride(from: 0, to: rows, by: rowsAtOnce) {
          let height = min(rowsAtOnce, rows &- top)
          let left = pack(a, top, height, first, part)
          var column = 0
          while column < columns {
            let width = panelWidth(columns &- column)
            var right = UnsafePointer(room)
            if let parts {
              let words = parts + column &* ((depth + 1) / 2) + first / 2 &* width
              right = UnsafeRawPointer(words).assumingMemoryBound(to: Float.self)
            } else {
              pack(b + first &* bRow + column, bRow, part, width, into: room)
            }
            let target = c + top &* cRow + column
            let adds = accumulate || first > 0
            switch width {
            case 64:
              Product.sweep(
                PairPanel<Panel64>.self, height, pairs, left, right, 64, target, cRow, adds, &ahead)
            case 32:
              Product.sweep(
                PairPanel<Panel32>.self, height, pairs, left, right, 32, target, cRow, adds, &ahead)
            default:
              Product.sweep(
                PairPanel<Panel16>.self, height, pairs, left, right, 16, target, cRow, adds, &ahead)
            }
            column &+= width
          }
        }
      }
    }

    /// The pairs of B [depth][columns], panel by panel [column / width][pair][width].
    static func prepare(
      _ b: UnsafePointer<Float>, _ bRow: Int, _ depth: Int, _ columns: Int,
      into parts: UnsafeMutablePointer<UInt32>
    ) {
      var column = 0
      while column < columns {
        let width = panelWidth(columns &- column)
        let words = UnsafeMutableRawPointer(parts + column &* ((depth + 1) / 2))
        pack(b + column, bRow, depth, width, into: words.assumingMemoryBound(to: Float.self))
        column &+= width
      }
    }

    /// Of the next panel where `columns` are left.
    @inline(__always) private static func panelWidth(_ columns: Int) -> Int {
      columns >= 64 ? 64 : columns >= 32 ? 32 : 16
    }

    /// Some columns of B, [pair][width].
    @inline(__always) private static func pack(
      _ b: UnsafePointer<Float>, _ bRow: Int, _ depth: Int, _ width: Int,
      into target: UnsafeMutablePointer<Float>
    ) {
      var (target, b) = (target, b)
      for _ in 0..<depth / 2 {
        var column = 0
        while column < width {
          (target + column).vector = apus_interleaved((b + column).vector, (b + bRow + column).vector)
          column &+= 16
        }
        target += width
        b += 2 &* bRow
      }
      guard depth % 2 == 1 else { return }
      for column in stride(from: 0, to: width, by: 16) {
        (target + column).vector = apus_interleaved((b + column).vector, .zero)
      }
    }

    /// Some rows and columns of A in the thread's room, its words as a product reads them: rows of neighbours as they
    /// lie, or of a transpose [pair][row].
    private static func pack(
      _ a: MatrixView, _ top: Int, _ height: Int, _ first: Int, _ depth: Int
    ) -> MatrixView {
      let room = apus_pairs_left_room()
      let start = a.start + top &* a.row + first &* a.column
      if a.column == 1 {
        let pitch = (depth + 31) / 32 * 16
        for row in 0..<height {
          let (source, target) = (start + row &* a.row, room + row &* pitch)
          var k = 0
          while k + 32 <= depth {
            (target + k / 2).vector = apus_neighbours((source + k).vector, (source + k + 16).vector)
            k &+= 32
          }
          if k < depth {
            (target + k / 2).vector = apus_neighbours(
              apus_first(source + k, depth &- k), apus_first(source + k + 16, depth &- k &- 16))
          }
        }
        return MatrixView(room, row: pitch)
      }
      let pitch = ChannelPadding.padded(height)
      for pair in 0..<(depth + 1) / 2 {
        let (source, target) = (start + 2 &* pair &* a.column, room + pair &* pitch)
        let next = 2 &* pair &+ 1 < depth ? source + a.column : nil
        for row in stride(from: 0, to: height, by: 16) {
          let count = height &- row
          (target + row).vector = apus_interleaved(
            apus_first(source + row, count), next.map { apus_first($0 + row, count) } ?? .zero)
        }
      }
      return MatrixView(transposed: room, row: pitch)
    }
  }
#endif
