import ArgumentParser
import Basics
import Sphere

struct GridCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "grid",
    abstract: "Print the CDO grid description of a grid, as in grids/.")

  @Argument(help: "gaussian, or equiangular (with poles).")
  var kind: String

  @Argument(help: "Latitudes.")
  var latitudes: Int

  @Argument(help: "Longitudes.")
  var longitudes: Int

  func validate() throws {
    guard max(latitudes, longitudes) <= 100_000 else {
      throw ValidationError("A grid has at most 100000 latitudes or longitudes.")
    }
  }

  func run() throws {
    guard let kind = SphereGrid.Kind(rawValue: kind) else {
      throw ValidationError("Unknown grid '\(kind)': choose gaussian or equiangular.")
    }
    print(
      GridDescription.text(for: try SphereGrid(kind, latitudes: latitudes, longitudes: longitudes)),
      terminator: "")
  }
}
