/// How the rows of a product are shared out over kernels of a few rows each.
///
/// As many at a time as the registers hold, but no row is left alone: its few sums would wait for each other.
enum RowSteps {
  /// Rows of the next kernel where `rest` rows are left and kernels have six, four, three, two and one.
  @inline(__always) static func upToSix(_ rest: Int) -> Int {
    switch rest {
    case 5: 3
    case 7: 4
    case 0...6: rest
    default: 6
    }
  }

  /// The same of complex kernels, whose rows take twice the registers: four, or two with AVX2's sixteen
  /// (three of them spill, but less than one alone would wait).
  @inline(__always) static func complex(_ rest: Int) -> Int {
    #if APUS_AVX512
      rest == 5 ? 3 : min(rest, 4)
    #else
      rest == 3 ? 3 : min(rest, 2)
    #endif
  }
}
