import Basics
import Ensembles
import RunFiles
import Verification

/// Which bounds and numbers the products of a run file have, in which order.
struct ProductLayout {
  let section: ProductsSection
  let channels: [String]
  let units: [String]
  /// All output lead times [hours].
  let leadHours: [Int]
  private let rules: [String: [ThresholdRule]]

  /// - Throws: `ApusError` of kind `badRunFile` for a channel, threshold or lead time that does not fit.
  init(_ section: ProductsSection, channels: [String], units: [String], leadHours: [Int]) throws {
    self.section = section
    self.channels = channels
    self.units = units
    self.leadHours = leadHours
    var rules: [String: [ThresholdRule]] = [:]
    for (name, texts) in section.thresholds.sorted(by: { $0.key < $1.key }) {
      guard channels.contains(name) else {
        throw ApusError(
          .badRunFile, "is not forecast", variable: "products.thresholds", found: name,
          expected: "one of " + channels.joined(separator: ", "))
      }
      rules[name] = try texts.map { text in
        guard let rule = ThresholdRule(argument: text) else {
          throw ApusError(
            .badRunFile, "the threshold is not understood", variable: "products.thresholds.\(name)",
            found: text,
            expected: "a number, climate:mean+1std or climate:p95")
        }
        return rule
      }
    }
    self.rules = rules
    if let every = section.everyHours, !leadHours.contains(where: { $0 > 0 && $0 % every == 0 }) {
      throw ApusError(
        .badRunFile, "meets no output time", variable: "products.every_hours", found: "\(every) h",
        expected: "lead times are " + leadHours.prefix(4).map(String.init).joined(separator: ", ") + " ... h")
    }
  }

  /// Stands for the products of a run file and for all that they are counted against: sums of another one are never
  /// mixed with its own.
  static func fingerprint(of run: EnsembleRunFile) throws -> String {
    try run.products.fingerprint(
      climate: needsClimate(run.products) ? run.climate : nil,
      truth: run.products.memberErrors ? run.truth : nil)
  }

  /// Whether the bounds of any channel need its climate.
  private static func needsClimate(_ section: ProductsSection) -> Bool {
    section.quantiles
      || section.thresholds.values.joined().contains { ThresholdRule(argument: $0)?.needsClimate ?? false }
  }

  /// Whether members are counted at a lead time: the analysis itself is not.
  func counts(_ hours: Int) -> Bool { hours > 0 && hours % (section.everyHours ?? 1) == 0 }
  /// Places among `leadHours` that members are counted at.
  var countedLeads: [Int] { leadHours.indices.filter { counts(leadHours[$0]) } }

  /// A channel's thresholds.
  func thresholds(of channel: String) -> [ThresholdRule] { rules[channel] ?? [] }
  /// Whether a channel's bounds need its climate.
  func needsClimate(_ channel: String) -> Bool {
    section.quantiles || thresholds(of: channel).contains { $0.needsClimate }
  }
  /// Whether any does.
  var needsClimate: Bool { ProductLayout.needsClimate(section) }

  /// Place of the first percentile among a channel's bounds.
  func firstQuantile(_ channel: String) -> Int { thresholds(of: channel).count }
  /// Place of the first distance from the control.
  func firstDistance(_ channel: String) -> Int {
    firstQuantile(channel) + (section.quantiles ? ClimateQuantiles.evenCount : 0)
  }

  /// Bounds of all lead times and channels: what counts take, times points.
  var countCount: Int {
    countedLeads.count
      * channels.reduce(0) {
        $0 + firstDistance($1) + (section.distribution ? 2 * DistributionLadder.side + 1 : 0)
      }
  }

  /// Bounds that are a field of the climate, of all lead times and channels.
  var climateFieldCount: Int {
    countedLeads.count
      * channels.reduce(0) {
        $0 + thresholds(of: $1).count(where: \.needsClimate)
          + (section.quantiles ? ClimateQuantiles.evenCount : 0)
      }
  }

  /// Numbers of a member's row: plumes [place][lead time][channel], then errors [lead time][channel].
  var memberRowLength: Int {
    (section.points.count + (section.memberErrors ? 1 : 0)) * leadHours.count * channels.count
  }
}
