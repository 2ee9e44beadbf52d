import Basics
import Fields
import Foundation
import RunFiles

/// Where everything of a daily run lies (docs/daily.md).
struct DailyPlaces {
  /// `output.directory`: unfinished work, and the amplitudes that all dates share.
  let root: String
  /// What readers see: a directory a date, `latest`, the scores.
  let products: String

  /// The places of a run file.
  init(_ run: EnsembleRunFile, section: DailySection) {
    root = DailyPlaces.plain(run.output.directory)
    products = DailyPlaces.plain(section.productDirectory ?? root + "/products")
  }

  /// The run directory of a date that is being made.
  func work(_ date: Instant) -> String { "\(root)/work/\(date.stamp)" }
  /// A finished date.
  func published(_ date: Instant) -> String { "\(products)/\(date.stamp)" }
  /// A date on its way there; readers don't look at hidden names.
  func incoming(_ date: Instant) -> String { "\(products)/.incoming-\(date.stamp)" }
  /// A date on its way out.
  func outgoing(_ date: Instant) -> String { "\(products)/.outgoing-\(date.stamp)" }
  /// The link to the newest date.
  var latest: String { products + "/latest" }
  /// The running table of scores.
  var scores: String { products + "/verification.csv" }
  /// Held while a daily run works.
  var locks: [String] { [products + "/.lock"] + (root == products ? [] : [root + "/.lock"]) }

  /// Dates that have the name of a published one, ascending.
  var publishedDates: [Instant] { DailyPlaces.dates(in: products) }
  /// Of these what a daily run has published: a directory with a list of checksums. Nobody else's is touched.
  var ownDates: [Instant] {
    publishedDates.filter { date in
      let path = published(date)
      let isLink = (try? FileManager.default.destinationOfSymbolicLink(atPath: path)) != nil
      return !isLink && FileManager.default.fileExists(atPath: "\(path)/\(Checksums.name)")
    }
  }
  /// Dates with unfinished work, ascending.
  var unfinishedDates: [Instant] { DailyPlaces.dates(in: root + "/work") }

  /// Makes the directories.
  /// - Throws: `ApusError` of kind `cannotCreateOutput`.
  func create() throws {
    guard products != root + "/work" else {
      throw ApusError(
        .badRunFile, "products and unfinished work would lie in one directory",
        variable: "daily.product_directory", found: products, expected: "another one than \(root)/work")
    }
    for path in [root + "/work", products] {
      do { try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true) } catch {
        throw ApusError(
          .cannotCreateOutput, "cannot create the directory", file: path,
          advice: "Choose other places: output.directory and daily.product_directory.")
      }
    }
  }

  /// Removes what killed runs left: half of a date on its way in or out, temporary links and tables, work on
  /// dates that are published. Only with the lock.
  func tidy() {
    for name in DailyPlaces.entries(products) {
      let stamp = [".incoming-", ".outgoing-"].first(where: name.hasPrefix).map { name.dropFirst($0.count) }
      guard name.hasPrefix(".latest.tmp-") || stamp.map({ DailyPlaces.date("\($0)") != nil }) ?? false
      else { continue }
      try? FileManager.default.removeItem(atPath: "\(products)/\(name)")
    }
    WholeFile.removeAbandoned(in: products, prefix: "verification.csv")
    WholeFile.removeAbandoned(in: root, prefix: "amplitudes.json")
    let published = Set(ownDates)
    for date in unfinishedDates where published.contains(date) {
      try? FileManager.default.removeItem(atPath: work(date))
    }
  }

  private static func dates(in directory: String) -> [Instant] {
    entries(directory).compactMap(date).sorted()
  }

  /// The date that a directory is named after.
  private static func date(_ name: String) -> Instant? {
    Instant(name.replacing("T", with: "")).flatMap { $0.stamp == name ? $0 : nil }
  }

  private static func entries(_ directory: String) -> [String] {
    (try? FileManager.default.contentsOfDirectory(atPath: directory)) ?? []
  }

  private static func plain(_ path: String) -> String {
    path.count > 1 && path.hasSuffix("/") ? String(path.dropLast()) : path
  }
}
