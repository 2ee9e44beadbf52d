import Fields
import Sphere

/// Moisture stays positive: the one correction HENS makes to a perturbed state (spec/hens.md 3.1, step 4).
public enum Moisture {
  /// Whether a channel is a moisture: its name starts with q (specific humidity) or is tcwv.
  public static func isMoisture(_ channel: String) -> Bool { channel.hasPrefix("q") || channel == "tcwv" }

  /// Sets negative moisture to 0; nothing else is touched.
  public static func clip(_ state: inout State) {
    let (channels, points) = (state.channels, state.grid.pointCount)
    state.values.withUnsafeMutableBufferPointer { values in
      if let base = values.baseAddress { clip(base, channels: channels, points: points) }
    }
  }

  /// The same for fields [channel][point] in physical units.
  public static func clip(_ fields: UnsafeMutablePointer<Float>, channels: [String], points: Int) {
    for (index, name) in channels.enumerated() where isMoisture(name) {
      for i in index * points..<(index + 1) * points { fields[i] = max(fields[i], 0) }
    }
  }
}
