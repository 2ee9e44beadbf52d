import Foundation
import Sphere

/// Cosine of the solar zenith angle, as HENS computes it (makani's zenith_angle.py; spec/hens.md 1.4), in
/// double precision where makani holds times in float32: differences up to 8e-3, without physical meaning.
public enum SolarZenith {
  /// The cosine at every grid point, [latitude][longitude]; negative at night.
  public static func cosine(at time: Instant, grid: SphereGrid) -> [Float] {
    let sun = position(at: time)
    let (rows, columns) = (grid.latitudeCount, grid.longitudeCount)
    var values = [Float](repeating: 0, count: rows * columns)
    let hourAngles = grid.longitudes.map { cos(sun.greenwich + $0 * .pi / 180 - sun.rightAscension) }
    for row in 0..<rows {
      let latitude = .pi / 2 - grid.colatitudes[row]
      let constant = sin(latitude) * sin(sun.declination)
      let factor = cos(latitude) * cos(sun.declination)
      for column in 0..<columns {
        values[row * columns + column] = Float(constant + factor * hourAngles[column])
      }
    }
    return values
  }

  /// Greenwich mean sidereal time, right ascension and declination of the sun [radian].
  static func position(at time: Instant) -> (greenwich: Double, rightAscension: Double, declination: Double) {
    let epoch = Instant(year: 2000, month: 1, day: 1, hour: 12)
    let t = Double(time.seconds - epoch.seconds) / 86_400 / 36_525
    let radian = Double.pi / 180
    // 6.2 x 10e-6 rather than 6.2e-6: makani's own constant.
    let seconds = 67_310.54841 + t * (876_600 * 3600 + 8_640_184.812866 + t * (0.093104 - t * 6.2 * 10e-6))
    let greenwich = (seconds / 240 * radian).truncatingRemainder(dividingBy: 2 * .pi)
    let anomaly = (357.52910 + 35_999.05030 * t - 0.0001559 * t * t - 0.00000048 * t * t * t) * radian
    let mean = 280.46645 + 36_000.76983 * t + 0.0003032 * t * t
    let centre =
      (1.914600 - 0.004817 * t - 0.000014 * t * t) * sin(anomaly)
      + (0.019993 - 0.000101 * t) * sin(2 * anomaly) + 0.000290 * sin(3 * anomaly)
    let longitude = (mean + centre) * radian
    let obliquity =
      (23 + 26.0 / 60 + 21.406 / 3600
        - (46.836769 * t - 0.0001831 * t * t + 0.00200340 * t * t * t - 0.576e-6 * pow(t, 4)
          - 4.34e-8 * pow(t, 5)) / 3600)
      * radian
    let x = cos(longitude)
    let y = cos(obliquity) * sin(longitude)
    let z = sin(obliquity) * sin(longitude)
    let r = (1 - z * z).squareRoot()
    return (greenwich, 2 * atan2(y, x + r), atan2(z, r))
  }
}
