import Basics

/// One variable of an ensemble at one valid time, with everything it is compared with; every field [point].
public struct CaseInput: Sendable {
  /// A threshold with the side of it that counts.
  public struct Event: Sendable {
    /// t, [point], in the variable's unit; NaN: the point is left out.
    public var threshold: [Double]
    /// Whether the event is y < t instead of y > t.
    public var isBelow: Bool

    /// An event beyond a threshold.
    public init(threshold: [Double], isBelow: Bool) {
      self.threshold = threshold
      self.isBelow = isBelow
    }
  }

  /// The members, [member][point].
  public var ensemble: EnsembleValues
  /// The truth.
  public var truth: [Double]
  /// Place of the control among the members.
  public var control: Int?
  /// Truth at the initial time.
  public var persistence: [Double]?
  /// Mean of the climate.
  public var climateMean: [Double]?
  /// Fair CRPS of the climate sample.
  public var climateCRPS: [Double]?
  /// Quantiles of the climate, for extreme forecast index and shift of tails.
  public var climate: ClimateQuantiles?
  /// How the extreme forecast index is computed.
  public var extremeForecastIndex = ExtremeForecastIndex.standard
  /// Events.
  public var events: [Event]
  /// Where members equal the truth, its rank among them is drawn with number `point` of this stream.
  public var ties: Philox

  /// Members and their truth; the rest is set as there is.
  public init(ensemble: EnsembleValues, truth: [Double], ties: Philox) {
    self.ensemble = ensemble
    self.truth = truth
    self.ties = ties
    events = []
  }
}
