import Basics
import Foundation

/// Dates drawn with replacement in blocks of consecutive ones, running on from the last to the first (Politis and Romano
/// 1992).
struct BlockDraw: Sendable {
  /// Number of dates, of which each draw has as many.
  let dates: Int
  /// Dates a block.
  let blockLength: Int
  private let seed: UInt64

  /// - Parameter blockLength: dates a block; nil: the cube root of their number, rounded up, but at most half of them.
  init(dates: Int, blockLength: Int?, seed: UInt64) {
    (self.dates, self.seed) = (dates, seed)
    self.blockLength = min(max(1, dates), max(1, blockLength ?? Self.length(of: dates)))
  }

  /// Whether draws differ at all: one block of all dates is the same sample again and again.
  var isOfSeveral: Bool { blockLength < dates }

  /// The least that a two-sided p-value can be: the chance that n independent differences all have one sign, 2^(1 - n), n
  /// the number of different blocks of consecutive dates, dates - block + 1. Few dates prove nothing, however alike
  /// they are.
  var leastPValue: Double { exp2(Double(blockLength - dates)) }

  private static func length(of dates: Int) -> Int {
    var root = 1
    while root * root * root < dates { root += 1 }
    return min(root, max(1, dates / 2))
  }

  /// Gives the dates of one draw, one after the other.
  @inline(__always) func forEachDate(of draw: Int, _ body: (Int) -> Void) {
    let random = Philox(seed: seed, purpose: .bootstrap, UInt64(draw))
    var (taken, block) = (0, UInt64(0))
    while taken < dates {
      let start = random.integer(below: dates, block)
      for step in 0..<min(blockLength, dates - taken) { body((start + step) % dates) }
      taken += blockLength
      block += 1
    }
  }
}
