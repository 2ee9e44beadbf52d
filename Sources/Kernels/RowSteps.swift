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

  /// The same of kernels that have four rows at most, both planes of a complex matrix at a time.
  @inline(__always) static func upToFour(_ rest: Int) -> Int { rest == 5 ? 3 : min(rest, 4) }
}
