import Basics
import Foundation
import RunFiles

/// The report of a run.
struct RunReport {
  let setup: EnsembleSetup
  let settings: ReportSettings
  let result: HindcastResult?
  let threads: Int

  func write(_ path: String) throws {
    try WholeFile.write(Data((result?.text ?? "").utf8), to: path)
  }
}
