/// Differences and integrals between pressure levels: thickness and integrated vapour transport.
extension DerivedVariable {
  static func thickness(upper: Int, lower: Int) -> DerivedVariable {
    DerivedVariable(
      name: "thickness_\(upper)_\(lower)", longName: "thickness between \(lower) and \(upper) hPa",
      standardName: "atmosphere_layer_thickness_expressed_as_geopotential_height_difference", units: "m",
      sources: ["z\(upper)", "z\(lower)"], formula: .pointwise { $0[0] - $0[1] })
  }

  /// 1/g times the norm of the integrals of q u and q v over pressure [kg m-1 s-1], trapezoids between the
  /// levels in Pa; nothing above the highest or below the lowest level is counted.
  static func vapourTransport(_ levels: [Int]) -> DerivedVariable? {
    let levels = Set(levels).filter(hasWind).sorted()
    guard levels.count >= 2, let top = levels.first, let bottom = levels.last else { return nil }
    // Half the pressure [Pa] between a level's neighbours, over g.
    let weights = levels.indices.map { k in
      let (above, below) = (levels[max(k - 1, 0)], levels[min(k + 1, levels.count - 1)])
      return 100 * Double(below - above) / 2 / Units.standardGravity
    }
    return DerivedVariable(
      name: "ivt", longName: "integrated vapour transport from \(top) to \(bottom) hPa", standardName: nil,
      units: "kg m-1 s-1", sources: levels.flatMap { ["q\($0)", "u\($0)", "v\($0)"] },
      formula: .pointwise { values in
        var (eastward, northward) = (0.0, 0.0)
        for (k, weight) in weights.enumerated() {
          eastward += weight * values[3 * k] * values[3 * k + 1]
          northward += weight * values[3 * k] * values[3 * k + 2]
        }
        return (eastward * eastward + northward * northward).squareRoot()
      })
  }
}
