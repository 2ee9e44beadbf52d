import Basics
import Fields
import Foundation

/// The parts of a climate: which states belong to which time of the year, hour of the day and lead time.
struct ClimateRecords {
  /// How the year is cut.
  enum Calendar: String, CaseIterable, Codable {
    /// Twelve calendar months.
    case month
    /// Windows about days of the year.
    case window
  }

  /// One part: its states are sorted by themselves.
  struct Record: Hashable, Comparable {
    /// Month 1...12, or the day of the year in the middle of the window.
    let season: Int
    /// UTC.
    let hour: Int
    /// Hours, for the climate of a model; nil for analyses.
    let leadHours: Double?

    static func < (a: Record, b: Record) -> Bool {
      (a.season, a.hour, a.leadHours ?? -1) < (b.season, b.hour, b.leadHours ?? -1)
    }
  }

  let calendar: Calendar
  let windowDays: Int
  let everyDays: Int

  /// Middles of all windows, or months.
  var seasons: [Int] {
    calendar == .month ? Array(1...12) : stride(from: 1, through: 365, by: everyDays).map { $0 }
  }

  /// Seasons that a moment belongs to; windows overlap.
  func seasons(of time: Instant) -> [Int] {
    switch calendar {
    case .month: [time.calendarDate.month]
    case .window: seasons.filter { ClimateWindow.apart($0, time.dayOfYear) <= windowDays }
    }
  }

  /// The season whose climate a moment is compared with.
  static func season(of time: Instant, calendar: Calendar, among seasons: [Int]) -> Int? {
    switch calendar {
    case .month: seasons.contains(time.calendarDate.month) ? time.calendarDate.month : nil
    case .window:
      seasons.min {
        (ClimateWindow.apart($0, time.dayOfYear), $0) < (ClimateWindow.apart($1, time.dayOfYear), $1)
      }
    }
  }
}
