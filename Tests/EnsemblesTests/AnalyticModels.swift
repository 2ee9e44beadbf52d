import Basics
import Ensembles
import Fields
import Foundation
import Sphere
import Synchronization

final class NoWorkspace: ForecastWorkspace {}

/// x' = roll(decay x + (growth - decay) <x, p> / <p, p> p), all channels together: a linear map whose
/// leading vector is p (rolled one column east a step), every other direction decays.
struct LinearModel: ForecastModel {
  let channels: [String]
  let grid: SphereGrid
  let stepHours = 6
  let identifier = "linear"
  let pattern: [Float]
  let growth: Float
  let decay: Float

  func makeWorkspace() -> any ForecastWorkspace { NoWorkspace() }

  func step(_ state: State, workspace: any ForecastWorkspace) throws -> State {
    var inner = 0.0
    var square = 0.0
    for i in pattern.indices {
      inner += Double(state.values[i]) * Double(pattern[i])
      square += Double(pattern[i]) * Double(pattern[i])
    }
    let share = (growth - decay) * Float(inner / square)
    var next = state
    next.time = state.time.adding(hours: stepHours)
    next.values = roll(
      state.values.indices.map { decay * state.values[$0] + share * pattern[$0] }, grid, by: 1)
    return next
  }
}

/// x' = x + a.
struct AddingModel: ForecastModel {
  let channels: [String]
  let grid: SphereGrid
  let stepHours = 6
  let identifier = "adding"
  let added: [Float]

  func makeWorkspace() -> any ForecastWorkspace { NoWorkspace() }

  func step(_ state: State, workspace: any ForecastWorkspace) throws -> State {
    var next = state
    next.time = state.time.adding(hours: stepHours)
    for i in added.indices { next.values[i] += added[i] }
    return next
  }
}

/// A cheap nonlinear flow with a clock in it; blows up from `unstableAfter` on where asked to.
struct WindingModel: ForecastModel {
  let channels: [String]
  let grid: SphereGrid
  let stepHours = 6
  let identifier: String
  let rate: Float
  var unstableAbove: Float = .infinity
  /// What a value becomes there.
  var burst: Float = .nan

  func makeWorkspace() -> any ForecastWorkspace { NoWorkspace() }

  func step(_ state: State, workspace: any ForecastWorkspace) throws -> State {
    try requireFitting(state)
    let neighbours = roll(state.values, grid, by: 2)
    let clock = Float(state.time.hour) / 240
    var next = state
    next.time = state.time.adding(hours: stepHours)
    for i in next.values.indices {
      next.values[i] = state.values[i] + rate * sin(neighbours[i] * 1.7 + clock)
    }
    if next.values.contains(where: { $0 > unstableAbove }) { next.values[0] = burst }
    return next
  }
}

/// A model that counts its steps.
struct CountingModel: ForecastModel {
  let model: any ForecastModel
  let counter: StepCounter
  var channels: [String] { model.channels }
  var grid: SphereGrid { model.grid }
  var stepHours: Int { model.stepHours }
  var identifier: String { model.identifier }

  func makeWorkspace() -> any ForecastWorkspace { model.makeWorkspace() }

  func step(_ state: State, workspace: any ForecastWorkspace) throws -> State {
    counter.steps.add(1, ordering: .relaxed)
    return try model.step(state, workspace: workspace)
  }
}

/// Steps of all models together.
final class StepCounter: Sendable {
  let steps = Atomic<Int>(0)
}

/// Rolls every row of every field some columns east.
func roll(_ values: [Float], _ grid: SphereGrid, by shift: Int) -> [Float] {
  let columns = grid.longitudeCount
  return values.indices.map { i in
    let row = i / columns
    return values[row * columns + (i - row * columns + columns - shift) % columns]
  }
}

/// Analyses in closed form from `first` on, that remember which were asked for.
final class AnalyticAnalyses: AnalysisSource {
  let channels: [String]
  let grid: SphereGrid
  let first: Instant
  let offset: Float
  private let asked = Mutex<[Instant]>([])

  init(
    channels: [String], grid: SphereGrid, first: Instant = Instant(year: 2000, month: 1, day: 1),
    offset: Float = 2
  ) {
    self.channels = channels
    self.grid = grid
    self.first = first
    self.offset = offset
  }

  var times: [Instant] { asked.withLock { $0 } }

  func state(at time: Instant) throws -> State {
    asked.withLock { $0.append(time) }
    guard time >= first else {
      throw ApusError(
        .inputMissing, "no analysis", file: "analyses", found: "\(time)", expected: "\(first) or later")
    }
    let hours = Float((time.seconds - first.seconds) / 3600)
    let count = channels.count * grid.pointCount
    return State(
      channels: channels, grid: grid, time: time,
      values: (0..<count).map { offset + sin(Float($0) * 0.37 + hours * 0.11) })
  }
}

/// Keeps trajectories as raw numbers, so that runs can be tried without NetCDF.
struct RawStore: RunStore {
  /// Members are rounded to multiples of it; 0: not.
  var step: Float = 0
  /// Told the path of every file that is read.
  var reading: @Sendable (String) -> Void = { _ in }

  struct Header: Codable {
    var seconds: Int
    var channels: [String]
    var leadHours: [Int]
    var latitudes: Int
    var longitudes: Int
  }

  func rounded(_ trajectory: Trajectory) -> Trajectory {
    guard step > 0 else { return trajectory }
    var rounded = trajectory
    for i in rounded.values.indices { rounded.values[i] = (rounded.values[i] / step).rounded() * step }
    return rounded
  }

  func write(_ trajectory: Trajectory, of member: MemberIdentity, to path: String) throws {
    try save(trajectory.values, like: trajectory, to: path)
  }

  func write(
    _ product: RunDirectory.Product, values: [Float], like shape: Trajectory, members: Int, to path: String
  ) throws { try save(values, like: shape, to: path) }

  func read(_ path: String) throws -> Trajectory {
    reading(path)
    let data = try Data(contentsOf: URL(fileURLWithPath: path))
    let end = data.firstIndex(of: 10) ?? 0
    let header = try JSONDecoder().decode(Header.self, from: data[..<end])
    let values = data[(end + 1)...].withUnsafeBytes { buffer in
      (0..<buffer.count / 4).map { buffer.loadUnaligned(fromByteOffset: 4 * $0, as: Float.self) }
    }
    return Trajectory(
      initialTime: Instant(seconds: header.seconds), channels: header.channels,
      grid: try SphereGrid(.gaussian, latitudes: header.latitudes, longitudes: header.longitudes),
      leadHours: header.leadHours, values: values)
  }

  private func save(_ values: [Float], like shape: Trajectory, to path: String) throws {
    let header = Header(
      seconds: shape.initialTime.seconds, channels: shape.channels, leadHours: shape.leadHours,
      latitudes: shape.grid.latitudeCount, longitudes: shape.grid.longitudeCount)
    let encoder = JSONEncoder()
    encoder.outputFormatting = .sortedKeys
    let bytes = values.withUnsafeBytes { Data($0) }
    try WholeFile.write(encoder.encode(header) + Data([10]) + bytes, to: path)
  }
}

/// A directory that goes with its owner.
final class ScratchDirectory {
  let path: String
  init() throws {
    path = NSTemporaryDirectory() + "apus-ensembles-" + UUID().uuidString
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
  }
  deinit { try? FileManager.default.removeItem(atPath: path) }

  /// Every file below with its bytes.
  func contents(below part: String = "") throws -> [String: Data] {
    var files: [String: Data] = [:]
    let root = path + "/" + part
    for case let name as String in FileManager.default.enumerator(atPath: root) ?? .init() {
      var isDirectory: ObjCBool = false
      _ = FileManager.default.fileExists(atPath: root + "/" + name, isDirectory: &isDirectory)
      if !isDirectory.boolValue {
        files[name] = try Data(contentsOf: URL(fileURLWithPath: root + "/" + name))
      }
    }
    return files
  }
}
