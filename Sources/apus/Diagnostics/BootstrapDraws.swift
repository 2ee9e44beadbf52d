import RunFiles
import Verification

/// Draws of dates, made once for each number of dates.
final class BootstrapDraws {
  private let settings: DiagnosticsFile.Bootstrap
  private var draws: [Int: BlockBootstrap] = [:]

  init(_ settings: DiagnosticsFile.Bootstrap) { self.settings = settings }

  /// Of so many dates.
  func of(dates: Int) -> BlockBootstrap {
    if let known = draws[dates] { return known }
    let made = BlockBootstrap(
      dates: dates, blockLength: settings.blockDates, resamples: settings.resamples,
      confidence: settings.confidence)
    draws[dates] = made
    return made
  }
}
