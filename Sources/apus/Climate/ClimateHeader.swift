import Basics
import FieldIO
import Fields

/// What a file of quantiles and one of states have in common: the parts and the grid.
struct ClimateHeader {
  private let states: any ClimateStates
  private let title: String

  init(_ states: any ClimateStates, title: String) {
    (self.states, self.title) = (states, title)
  }

  func define(_ file: NetCDFWriter, _ list: [ClimateRecords.Record]) throws {
    let records = states.records
    try file.identify(
      title: title, history: "apus climate", references: "docs/verification.md of Apus",
      comment: records.calendar == .month
        ? "Every record holds the states of one calendar month and hour, and lead time where there is one."
        : "Every record holds the states within \(records.windowDays) days of a day of the year, at one hour, and lead time where there is one."
    )
    try file.attribute("calendar_parts", .text(records.calendar.rawValue))
    try file.dimension("record", list.count)
    try file.grid(latitudes: states.grid.latitudes, longitudes: states.grid.longitudes)
    try file.variable(
      "season", .int32, ["record"],
      [
        "long_name": .text(
          records.calendar == .month ? "calendar month" : "day of the year in the middle of the window"),
        "units": .text("1"),
      ])
    try file.variable(
      "hour", .int32, ["record"],
      ["long_name": .text("hour of the valid time, UTC"), "units": .text("hours")])
    if states.byLeadTime {
      try file.variable(
        "lead_time", .double, ["record"],
        ["standard_name": .text("forecast_period"), "long_name": .text("lead time"), "units": .text("hours")])
    }
  }

  func put(_ file: NetCDFWriter, _ list: [ClimateRecords.Record]) throws {
    try file.put("season", list.map { Int32($0.season) })
    try file.put("hour", list.map { Int32($0.hour) })
    if states.byLeadTime { try file.put("lead_time", list.map { $0.leadHours ?? .nan }) }
  }
}

/// What was written of a variable.
struct ClimateSummary {
  let variable: String
  /// Parts with a state.
  let parts: Int
  let fewest: Int
  let most: Int

  /// - Parameter counts: states of every part.
  init(_ variable: String, _ counts: [Int]) {
    let present = counts.filter { $0 > 0 }
    self.variable = variable
    (parts, fewest, most) = (present.count, present.min() ?? 0, present.max() ?? 0)
  }
}
