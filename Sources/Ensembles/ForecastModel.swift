import Basics
import Fields
import Sphere

/// Scratch memory of one thread for one model; what is in it between calls never matters.
public protocol ForecastWorkspace: AnyObject {}

/// Something that carries the atmosphere forward by a fixed step: a trained network, or in tests a
/// closed-form flow.
///
/// `step` is a pure function of the state (its time included), computed one sample at a time with
/// the same shapes always, so that a member has the same bits alone and in an ensemble.
public protocol ForecastModel: Sendable {
  /// Channel names, in the order of the states it takes and returns.
  var channels: [String] { get }
  /// The grid of every channel.
  var grid: SphereGrid { get }
  /// Hours from a state to the next.
  var stepHours: Int { get }
  /// Fingerprint of the weights (SHA-256) or a name, kept in manifests and member files.
  var identifier: String { get }
  /// What errors call it: its file, where it has one.
  var name: String { get }

  /// Scratch memory for one thread.
  func makeWorkspace() -> any ForecastWorkspace
  /// The state `stepHours` later, physical units in and out.
  /// - Throws: `ApusError` where the state's channels or grid are not the model's.
  func step(_ state: State, workspace: any ForecastWorkspace) throws -> State
}

extension ForecastModel {
  /// The identifier, of models that have no file.
  public var name: String { identifier }

  /// Checks that a state is one that this model understands.
  /// - Throws: `ApusError` of kind `badData` naming both sides.
  public func requireFitting(_ state: State) throws {
    guard state.channels == channels else {
      throw ApusError(
        .badData, "the state's channels are not the model's", file: name,
        found: state.channels.joined(separator: " "), expected: channels.joined(separator: " "))
    }
    guard state.grid == grid else {
      throw ApusError(
        .badData, "the state's grid is not the model's", file: identifier, found: "\(state.grid)",
        expected: "\(grid)")
    }
  }
}
