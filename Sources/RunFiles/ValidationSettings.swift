import Basics

/// Which forecasts a training scores on its validation data.
public struct ValidationSettings: Sendable, Hashable, Encodable {
  /// Lead times [h]; nil: 24, 72 and 120 as far as the data reach; empty: no forecasts.
  public var leadHours: [Int]?
  /// Channels scored; nil: z500, or the first where z500 is not trained.
  public var channels: [String]?
  /// Initial times, evenly spread over the data.
  public var starts: Int

  enum CodingKeys: String, CodingKey, CaseIterable {
    case channels, starts
    case leadHours = "lead_hours"
  }

  init(_ section: Section<CodingKeys>?, data: TrainingData) throws {
    leadHours = try section?.wholeNumbers(.leadHours, in: 1...87_600)
    channels = try section?.channels(.channels)
    starts = try section?.integer(.starts, in: 1...100_000, default: 8) ?? 8
    guard let section else { return }
    for hours in leadHours ?? [] where hours % data.stepHours != 0 {
      throw section.refuse(
        .leadHours, "no multiple of the network's step", found: "\(hours) h",
        expected: "multiples of \(data.stepHours) h")
    }
    if let leads = leadHours, Set(leads).count < leads.count {
      throw section.refuse(.leadHours, "lead time given twice", found: "\(leads)")
    }
    if channels?.isEmpty == true {
      throw section.refuse(.channels, "empty list", expected: "at least one entry")
    }
    for channel in channels ?? [] where !data.channels.contains(channel) {
      throw section.refuse(
        .channels, "names a channel that is not trained", found: channel,
        expected: data.channels.joined(separator: ", "))
    }
    if data.validation.isEmpty {
      throw section.refuse(
        .starts, "there are no data to validate on", expected: "data.validation beside validation")
    }
  }
}
