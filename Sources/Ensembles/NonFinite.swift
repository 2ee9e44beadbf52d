import Basics
import Fields
import Sphere

/// The watch for forecasts that blow up.
enum NonFinite {
  /// The channel of the first value that is NaN or infinite, nil where all are finite.
  static func channel(of state: State) -> String? {
    let points = state.grid.pointCount
    return state.values.withUnsafeBufferPointer { buffer in
      guard let values = buffer.baseAddress else { return nil }
      // x - x is 0 for finite x and NaN otherwise: one vector sum finds the fault.
      for (index, name) in state.channels.enumerated() {
        var lanes = SIMD16<Float>.zero
        var rest: Float = 0
        var at = index * points
        let end = at + points
        while at + 16 <= end {
          let x = UnsafeRawPointer(values + at).loadUnaligned(as: SIMD16<Float>.self)
          lanes += x - x
          at += 16
        }
        while at < end {
          rest += values[at] - values[at]
          at += 1
        }
        if !(lanes.sum() + rest == 0) { return name }
      }
      return nil
    }
  }

  /// Throws where a state is not finite.
  static func check(_ state: State, member: Int, initialTime: Instant, leadHours: Int) throws {
    guard let name = channel(of: state) else { return }
    throw ApusError(
      .internalFault, "the forecast blew up: values that are not finite",
      variable: name, found: "member \(member) from \(initialTime), lead time \(leadHours) h",
      advice: "The checkpoint is unstable at this lead time: shorten the forecast or train it further.")
  }
}
