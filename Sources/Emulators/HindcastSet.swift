import Basics
import FieldIO
import Fields
import Sphere

/// Ensemble hindcasts in memory, as standardised anomalies, with the truth beside them: what emulators learn from.
///
/// Memory: cases x (members + 1) x channels x points x 4 bytes.
public final class HindcastSet: Sendable {
  /// One lead time of one forecast.
  public struct Case: Sendable, Hashable {
    /// Start of the forecast.
    public let initial: Instant
    /// Place of the lead time in the domain's.
    public let lead: Int
    /// Valid time.
    public let valid: Instant

    /// A case.
    public init(initial: Instant, lead: Int, valid: Instant) {
      (self.initial, self.lead, self.valid) = (initial, lead, valid)
    }
  }

  /// Cases, by start and lead time.
  public let cases: [Case]
  /// Member numbers, ascending.
  public let members: [Int]
  /// What the fields are.
  public let domain: EmulatorDomain
  private let values: AlignedBuffer<Float>

  /// Reads hindcasts and the truth at their valid times; vorticity and divergence that the hindcasts lack are made of
  /// their winds. Every file is opened once: thousands of them take a while.
  /// - Parameters:
  ///   - files: NetCDF files of one forecast each, of a member or of several along an axis.
  ///   - leftOut: members that do not count (a control is not drawn as the others are).
  ///   - from, to: first and last initial time.
  /// - Throws: `ApusError` as `GriddedVariable` and `Archive`; `inputMissing` where no case has one of the domain's
  ///   lead times in the period; `badData` for another grid, or members that a case lacks or has twice.
  public convenience init(
    _ files: [String], truth: Archive, domain: EmulatorDomain, leavingOut leftOut: Set<Int> = [0],
    from: Instant? = nil, to: Instant? = nil
  ) throws {
    var found: [Case: [Int: AlignedBuffer<Float>]] = [:]
    var transform: VectorTransform?
    for file in files {
      let read = try HindcastSet.read(file, domain, leftOut, from: from, to: to, &transform)
      for (item, member, fields) in read {
        guard found[item, default: [:]].updateValue(fields, forKey: member) == nil else {
          throw ApusError(
            .badData, "a member comes twice", file: file, found: "member \(member) from \(item.initial)",
            expected: "every member once")
        }
      }
    }
    let cases = found.keys.sorted { ($0.initial, $0.lead) < ($1.initial, $1.lead) }
    guard let first = cases.first, let members = found[first]?.keys.sorted(), !members.isEmpty else {
      throw ApusError(
        .inputMissing, "hold no forecast with the emulator's lead times in the period",
        file: files.first.map { "\($0) and \(files.count - 1) more" },
        expected: "lead times \(domain.leadHours.map(String.init).joined(separator: ", ")) h")
    }
    let there = Set(cases.map(\.lead))
    if let lacking = domain.leadHours.indices.first(where: { !there.contains($0) }) {
      throw ApusError(
        .inputMissing, "hold no forecast of a lead time in the period",
        file: files.first.map { "\($0) and \(files.count - 1) more" },
        found: there.sorted().map { "\(domain.leadHours[$0]) h" }.joined(separator: ", "),
        expected: "\(domain.leadHours[lacking]) h too",
        advice: "Name only lead times that the hindcasts have (lead_hours).")
    }
    let size = domain.fieldSize
    let values = AlignedBuffer<Float>(cases.count * (members.count + 1) * size)
    for (number, item) in cases.enumerated() {
      let fields = found.removeValue(forKey: item) ?? [:]
      guard fields.keys.sorted() == members else {
        throw ApusError(
          .badData, "members differ between forecasts", file: files.first,
          found: "\(fields.count) at \(item.valid) from \(item.initial)",
          expected: "\(members.count) as at \(first.valid)", advice: "Give all files of all members.")
      }
      let start = values.pointer + number * (members.count + 1) * size
      for (place, member) in members.enumerated() {
        if let field = fields[member] { (start + place * size).update(from: field.pointer, count: size) }
      }
      let state = try truth.state(at: item.valid)
      for i in 0..<size { start[members.count * size + i] = state.values[i] }
      let scale = Standardisation(domain.climate, at: item.valid)
      for place in 0...members.count { scale.standardise(start + place * size) }
    }
    self.init(domain: domain, cases: cases, members: members, values: values)
  }

  /// What a file holds for a domain: fields of all channels, by case and member.
  private static func read(
    _ file: String, _ domain: EmulatorDomain, _ leftOut: Set<Int>, from: Instant?, to: Instant?,
    _ transform: inout VectorTransform?
  ) throws -> [(Case, member: Int, AlignedBuffer<Float>)] {
    let reader = try NetCDFReader(file)
    var result: [(Case, member: Int, AlignedBuffer<Float>)] = []
    let points = domain.grid.pointCount
    for (channel, name) in domain.channels.enumerated() {
      let channelFields = try HindcastVariable(reader, name) {
        let made = transform ?? VectorTransform(grid: domain.grid, degrees: domain.degrees)
        transform = made
        return made
      }
      let variable = channelFields.variable
      guard variable.grid == domain.grid else {
        throw ApusError(
          .badData, "hindcasts are on another grid", file: file, variable: name, found: "\(variable.grid)",
          expected: "\(domain.grid)")
      }
      let axis: GriddedVariable.Axis = variable.axes.contains(.leadTime) ? .leadTime : .time
      guard let initial = variable.referenceTime ?? (axis == .leadTime ? variable.times.first : nil),
        variable.leadHours.count == variable.length(axis), !variable.members.isEmpty
      else {
        throw ApusError(
          .badData, "does not say which member of which forecast it holds", file: file, variable: name,
          expected: "forecast_reference_time, forecast_period and realization")
      }
      guard from.map({ $0 <= initial }) ?? true, to.map({ initial <= $0 }) ?? true else { return [] }
      let conversion = try Units.conversion(
        from: channelFields.units, to: domain.units[channel], file: file, variable: name)
      var next = 0
      for (place, member) in variable.members.enumerated() where !leftOut.contains(member) {
        for (index, hours) in variable.leadHours.enumerated() {
          guard let lead = domain.leadHours.firstIndex(where: { Double($0) == hours }) else { continue }
          let fields = try channelFields.field(axis, index, member: place)
          if channel == 0 {
            let item = Case(
              initial: initial, lead: lead, valid: initial.adding(hours: domain.leadHours[lead]))
            result.append((item, member, AlignedBuffer(domain.fieldSize)))
          }
          guard next < result.count, result[next].0.lead == lead, result[next].member == member else {
            throw HindcastSet.differing(file, name, domain.channels[0])
          }
          let target = result[next].2.pointer + channel * points
          for i in 0..<points {
            guard fields[i].isFinite else {
              throw ApusError(
                .badData, "missing values (NaN) in a hindcast", file: file, variable: name,
                found: "member \(member) at \(domain.leadHours[lead]) h", expected: "none")
            }
            target[i] = Float(Double(fields[i]) * conversion.scale + conversion.offset)
          }
          next += 1
        }
      }
      guard next == result.count else { throw HindcastSet.differing(file, name, domain.channels[0]) }
    }
    return result
  }

  private static func differing(_ file: String, _ name: String, _ first: String) -> ApusError {
    ApusError(
      .badData, "variables have different lead times or members", file: file, variable: name,
      expected: "those of \(first)")
  }

  private init(domain: EmulatorDomain, cases: [Case], members: [Int], values: AlignedBuffer<Float>) {
    (self.domain, self.cases, self.members, self.values) = (domain, cases, members, values)
  }

  /// A set from its parts, for tests.
  /// - Parameter values: [case][member, then truth][channel][point].
  public convenience init(domain: EmulatorDomain, cases: [Case], members: [Int], values: [Float]) {
    precondition(values.count == cases.count * (members.count + 1) * domain.fieldSize)
    self.init(domain: domain, cases: cases, members: members, values: AlignedBuffer(values))
  }

  /// Standardised anomalies of a member by place, [channel][point].
  public func member(_ index: Int, _ place: Int) -> UnsafePointer<Float> {
    UnsafePointer(values.pointer + (index * (members.count + 1) + place) * domain.fieldSize)
  }

  /// The same of the truth.
  public func truth(_ index: Int) -> UnsafePointer<Float> { member(index, members.count) }
}
