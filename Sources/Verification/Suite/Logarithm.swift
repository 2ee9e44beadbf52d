import Foundation

/// Natural logarithm; of 0 minus infinity, of less NaN.
@inline(__always) func logarithm(_ x: Double) -> Double { log(x) }
