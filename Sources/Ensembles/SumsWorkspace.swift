import Basics
import Fields
import Foundation
import Sphere

/// Scratch of one thread for adding a block of members to an ensemble's sums.
final class SumsWorkspace {
  private static let most = 0x1p46
  private(set) var numbers: [Int32] = []
  /// Padded trajectories [lead time][channel][stride].
  private(set) var members: [AlignedBuffer<Float>] = []
  /// Power in ticks [lead time][channel][degree].
  private(set) var power: [AlignedBuffer<Int64>] = []
  private var spareMembers: [AlignedBuffer<Float>] = []
  private var sparePower: [AlignedBuffer<Int64>] = []
  private var spectra: (transform: SphericalTransform<Float>, workspace: TransformWorkspace<Float>)?
  private var spectrum = AlignedBuffer<Float>(0)

  /// Copies members with room for whole vectors and measures their spectra.
  func prepare(_ trajectories: [(number: Int, Trajectory)], sums: EnsembleSums) throws {
    let shape = sums.shape
    let degrees = sums.power.count / shape.rows
    numbers = trajectories.map { Int32($0.number) }
    while spareMembers.count < trajectories.count || spareMembers.first?.count != shape.count {
      if let first = spareMembers.first, first.count != shape.count { spareMembers = [] }
      spareMembers.append(AlignedBuffer(shape.count))
    }
    while sparePower.count < trajectories.count || sparePower.first?.count != shape.rows * degrees {
      if let first = sparePower.first, first.count != shape.rows * degrees { sparePower = [] }
      sparePower.append(AlignedBuffer(shape.rows * degrees))
    }
    members = Array(spareMembers.prefix(trajectories.count))
    power = Array(sparePower.prefix(trajectories.count))
    for (index, trajectory) in trajectories.enumerated() {
      shape.pad(trajectory.1.values, into: members[index].pointer)
      if degrees > 0 { measure(trajectory.1, degrees, sums, into: power[index]) }
    }
  }

  private func measure(
    _ trajectory: Trajectory, _ degrees: Int, _ sums: EnsembleSums, into power: AlignedBuffer<Int64>
  ) {
    let shape = sums.shape
    if spectra?.transform.grid != trajectory.grid || spectra?.transform.degrees != degrees {
      let transform = SphericalTransform<Float>(grid: trajectory.grid, degrees: degrees)
      spectra = (transform, transform.makeWorkspace(shape.channels))
      spectrum = AlignedBuffer(transform.coefficientCount(shape.channels))
    }
    guard let (transform, workspace) = spectra else { return }
    let ticksPerUnit = sums.ticks.map { 0x1p20 / EnsembleProducts.scale($0) }
    var line = [Double](repeating: 0, count: shape.channels * degrees)
    trajectory.values.withUnsafeBufferPointer { values in
      guard let base = values.baseAddress else { return }
      for lead in 0..<shape.leads {
        transform.forward(
          base + lead * trajectory.valuesPerLead, count: shape.channels, into: spectrum.pointer, workspace)
        for i in line.indices { line[i] = 0 }
        // Degree 0, a geopotential's hundreds of standard deviations, would leave the others few digits.
        transform.eachRow(shape.channels) { l, m, place in
          guard l > 0 else { return }
          for c in 0..<shape.channels {
            let x = Double(spectrum.pointer[place + c]) * ticksPerUnit[c]
            line[c * degrees + l] += (m == 0 ? 1 : 2) * x * x
          }
        }
        let target = power.pointer + lead * line.count
        // What runs away, and is finite still, counts as the most that sums of 65,535 members hold.
        for i in line.indices { target[i] = Int64(min(line[i], SumsWorkspace.most).rounded()) }
      }
    }
  }
}
