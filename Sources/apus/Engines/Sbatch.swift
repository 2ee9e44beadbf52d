import Basics
import Foundation

/// Slurm's `sbatch`, as found on the PATH.
struct Sbatch {
  let path: String

  /// Looks for it.
  /// - Throws: `ApusError` of kind `unavailable` (69) where it is not on the PATH.
  init() throws {
    let places = (environmentValue("PATH") ?? "").split(separator: ":").map { "\($0)/sbatch" }
    guard let path = places.first(where: FileManager.default.isExecutableFile(atPath:)) else {
      throw ApusError(
        .unavailable, "no Slurm here", variable: "sbatch", found: "no such program on the PATH",
        expected: "Slurm's submit command",
        advice: "Go to a login node of the cluster, or write the scripts alone with --dry-run.")
    }
    self.path = path
  }

  /// Submits a job.
  /// - Parameter arguments: with `--parsable`.
  /// - Returns: the job's number.
  /// - Throws: `ApusError` of kind `unavailable` (69) with what sbatch said, where Slurm takes no job.
  func submit(_ arguments: [String]) throws -> String {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: path)
    process.arguments = arguments
    process.standardInput = FileHandle.nullDevice
    let output = Pipe()
    let errors = Pipe()
    (process.standardOutput, process.standardError) = (output, errors)
    do { try process.run() } catch {
      throw ApusError(.unavailable, "cannot be started: \(error.localizedDescription)", file: path)
    }
    // sbatch says a line or two, far less than a pipe holds.
    let said = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    let complaint = String(decoding: errors.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    process.waitUntilExit()
    // `12`, or `12;cluster` where Slurm knows several.
    let job = said.split(whereSeparator: { ";\n".contains($0) }).first.map(String.init) ?? ""
    guard process.terminationReason == .exit, process.terminationStatus == 0, Int(job) != nil else {
      let lines = (complaint.isEmpty ? said : complaint).split(separator: "\n").joined(separator: "; ")
      throw ApusError(
        .unavailable, "Slurm did not take the job", file: arguments.last, found: "'\(lines)'",
        advice: "The scripts are written; change the options and run the same command again.")
    }
    return job
  }
}
