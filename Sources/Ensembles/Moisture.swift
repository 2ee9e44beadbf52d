import Fields
import Sphere

/// Moisture stays positive: the one correction HENS makes to a perturbed state (spec/hens.md 3.1, step 4).
public enum Moisture {
  /// Whether a channel is a moisture: its name starts with q (specific humidity) or is tcwv.
  public static func isMoisture(_ channel: String) -> Bool { channel.hasPrefix("q") || channel == "tcwv" }

  /// Sets negative moisture to 0; nothing else is touched.
  static func clip(_ state: inout State) {
    let points = state.grid.pointCount
    for (index, name) in state.channels.enumerated() where isMoisture(name) {
      for i in index * points..<(index + 1) * points { state.values[i] = max(state.values[i], 0) }
    }
  }
}
