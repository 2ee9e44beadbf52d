import Basics
import FieldIO
import Fields
import Sphere

/// A channel of a member file: a variable of it or, where the file has none, vorticity or divergence of the wind of its
/// level, truncated to the domain's degrees.
struct HindcastVariable {
  /// The variable, or the eastward wind: what tells grid, times and members.
  let variable: GriddedVariable
  /// Unit of the fields.
  let units: String
  private let wind: (northward: GriddedVariable, transform: VectorTransform, isVorticity: Bool)?

  /// - Parameter transform: makes vorticity of a wind; asked for only where that is needed.
  /// - Throws: `ApusError` as `GriddedVariable`; `badData` for winds on different axes or not in m s-1.
  init(_ reader: NetCDFReader, _ name: String, transform: () -> VectorTransform) throws {
    let has = Set(reader.variables.map(\.name))
    guard !has.contains(name), let channel = ChannelCatalogue.channel(name),
      let components = channel.windComponents, has.contains(components.eastward),
      has.contains(components.northward)
    else {
      variable = try GriddedVariable(reader, name)
      (units, wind) = (variable.units, nil)
      return
    }
    variable = try GriddedVariable(reader, components.eastward)
    let northward = try GriddedVariable(reader, components.northward)
    guard northward.grid == variable.grid, northward.axes == variable.axes,
      [variable, northward].allSatisfy({ $0.units == "m s-1" })
    else {
      throw ApusError(
        .badData, "winds for '\(name)' do not belong together", file: reader.path,
        variable: "\(components.eastward), \(components.northward)",
        found: "\(variable.grid) in \(variable.units) and \(northward.grid) in \(northward.units)",
        expected: "one grid and m s-1")
    }
    (units, wind) = (channel.unit, (northward, transform(), components.isVorticity))
  }

  /// The field of one member at one place of an axis, [latitude][longitude].
  func field(_ axis: GriddedVariable.Axis, _ index: Int, member: Int) throws -> [Float] {
    let place: [GriddedVariable.Axis: Int] = [.member: member]
    let values = try variable.fields(axis, index..<index + 1, at: place)
    guard let wind else { return values }
    let northward = try wind.northward.fields(axis, index..<index + 1, at: place)
    let both = wind.transform.vorticityDivergence(
      u: values.map(Double.init), v: northward.map(Double.init))
    return (wind.isVorticity ? both.vorticity : both.divergence).map { Float($0) }
  }
}
