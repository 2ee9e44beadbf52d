import Basics
import Foundation
import Operators
import Sphere
import Testing

/// Answers of torch-harmonics 0.9.3 in float64 (Tests/SphereTests/Resources/README.md).
@Suite struct TransformReferenceTests {
  static let cases: [(String, SphereGrid.Kind, Int, Int, Int)] = [
    ("equiangular_33x64", .equiangular, 33, 64, 17), ("equiangular_46x90", .equiangular, 46, 90, 23),
    ("equiangular_73x144", .equiangular, 73, 144, 37), ("gauss_33x64", .gaussian, 33, 64, 33),
    ("gauss_48x96", .gaussian, 48, 96, 32),
  ]

  func reference() throws -> SafeTensors {
    try SafeTensors.read(Bundle.module.bundlePath + "/Resources/sht.safetensors")
  }

  func compare<Scalar: TransformScalar>(_ type: Scalar.Type, _ bound: Double, _ index: Int) throws {
    let (name, kind, rows, columns, degrees) = Self.cases[index]
    let file = try reference()
    let field = try #require(file.tensors[name + ".field"]?.doubles)
    let coefficients = try #require(file.tensors[name + ".coefficients"]?.doubles)
    let synthesis = try #require(file.tensors[name + ".synthesis"]?.doubles)
    let grid = try SphereGrid(kind, latitudes: rows, longitudes: columns)
    let transform = SphericalTransform<Scalar>(grid: grid, degrees: degrees)
    func check(_ found: [Scalar], _ expected: [Double]) {
      #expect(found.count == expected.count)
      let largest = expected.map(abs).max() ?? 0
      let error = zip(found, expected).map { abs(Double($0) - $1) }.max() ?? .infinity
      #expect(error <= bound * largest, "\(name) \(Scalar.self): \(error / largest)")
    }
    check(transform.forward(field.map { Scalar($0) }, count: 3), coefficients)
    check(transform.inverse(coefficients.map { Scalar($0) }, count: 3), synthesis)
  }

  @Test(arguments: 0..<5) func double(index: Int) throws { try compare(Double.self, 1e-12, index) }
  @Test(arguments: 0..<5) func single(index: Int) throws { try compare(Float.self, 2e-6, index) }
}
