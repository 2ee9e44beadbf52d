import Verification

/// What is summed over initial times of one channel at one lead time.
struct SkillSums: Sendable {
  /// Errors of the checkpoints.
  var errors: ErrorProducts
  /// Error of the initial state taken as the forecast.
  var persistence: ErrorProducts
  /// Error of the mean of past states.
  var climatology: ErrorProducts?
  /// Power of each checkpoint's forecasts over the truth's.
  var power: [PowerRatio]

  /// Adds other initial times.
  mutating func add(_ other: SkillSums) {
    errors.add(other.errors)
    persistence.add(other.persistence)
    if let past = other.climatology { climatology?.add(past) }
    for place in power.indices { power[place].add(other.power[place]) }
  }
}
