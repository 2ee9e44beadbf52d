import ArgumentParser
import Basics
import Fields
import Foundation
import RunFiles

struct SubmitCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "submit",
    abstract: "Hand a run to a cluster's scheduler.",
    subcommands: [SubmitSlurmCommand.self])
}

struct SubmitSlurmCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "slurm",
    abstract: "Write a job array for the forecasts and a dependent merge, and submit both.",
    discussion: """
      Scripts and logs go to DIR/slurm. A task that runs out of time stops cleanly, goes back into the queue \
      and goes on later. See docs/engines.md.
      """)

  @Argument(help: "The ensemble run file.")
  var pipeline: String

  @Option(help: ArgumentHelp("Run directory, instead of the run file's.", valueName: "dir"))
  var output: String?

  @Option(help: "Only this initial time, for example 2026-02-01T00; the run file need not name it.")
  var date: Instant?

  @Option(help: ArgumentHelp("Tasks of the array, 1 to 100000.", valueName: "n"))
  var tasks = 8

  @Option(help: ArgumentHelp("Processors of a task; apus takes as many threads.", valueName: "c"))
  var cpusPerTask = 1

  @Option(help: ArgumentHelp("Partition; by default the cluster's.", valueName: "p"))
  var partition: String?

  @Option(help: ArgumentHelp("Time limit of a task, for example 2:00:00.", valueName: "t"))
  var time: String?

  @Option(help: ArgumentHelp("Memory of a task, for example 4G.", valueName: "m"))
  var memory: String?

  @Option(help: ArgumentHelp("Account.", valueName: "a"))
  var account: String?

  @Option(
    help: ArgumentHelp(
      "Another option of sbatch for both scripts, for example \"#SBATCH --constraint=rome\"; repeatable.",
      valueName: "line"))
  var extra: [String] = []

  @Flag(help: "Write the scripts and print the commands that would submit them.")
  var dryRun = false

  @OptionGroup var result: ResultOptions

  func validate() throws {
    guard (1...100_000).contains(tasks) else { throw ValidationError("--tasks must be 1 to 100000.") }
    guard (1...4096).contains(cpusPerTask) else {
      throw ValidationError("--cpus-per-task must be 1 to 4096.")
    }
    for (name, value) in [
      ("partition", partition), ("time", time), ("memory", memory), ("account", account),
    ] {
      guard let value else { continue }
      guard !value.isEmpty, value.allSatisfy({ !$0.isWhitespace && !"\"'\\#".contains($0) }) else {
        throw ValidationError("--\(name) must be one word without quotes, found '\(value)'.")
      }
    }
    for line in extra
    where line.contains(where: \.isNewline) || !SubmitSlurmCommand.option(line).hasPrefix("-") {
      throw ValidationError(
        "--extra must be one option of sbatch, as '#SBATCH --name=value', found '\(line)'.")
    }
  }

  /// What was written and submitted.
  struct Submission: Encodable, CustomStringConvertible {
    let tasks: Int
    let scripts: [String]
    let commands: [String]
    /// Numbers of the jobs; empty where nothing was submitted.
    let jobs: [String]

    var description: String {
      guard jobs.count == 2 else { return commands.joined(separator: "\n") }
      return """
        forecast  job \(jobs[0]), \(tasks) \(tasks == 1 ? "task" : "tasks"): \(scripts[0])
        merge     job \(jobs[1]), after all of them: \(scripts[1])
        """
    }
  }

  func run() throws {
    let run = try RunCheck.read(pipeline, date: date)
    let directory = ThisProgram.absolute(output ?? run.output.directory)
    // #SBATCH lines know double quotes only.
    guard !directory.contains(where: { "\"\\".contains($0) || $0.isNewline }) else {
      throw ApusError(
        .usage, "Slurm cannot write logs to a path with a quotation mark, a backslash or a line break in it",
        file: directory,
        advice: "Choose another place with --output.")
    }
    let sbatch = dryRun ? nil : try Sbatch()
    let job = SlurmJob(
      name: run.name, program: ThisProgram.path, workingDirectory: FileManager.default.currentDirectoryPath,
      pipeline: ThisProgram.absolute(pipeline), runDirectory: directory, date: date?.description,
      request: SlurmJob.Request(
        tasks: tasks, processorsPerTask: cpusPerTask, partition: partition, time: time, memory: memory,
        account: account, extra: extra.map(SubmitSlurmCommand.option)))
    do {
      try FileManager.default.createDirectory(atPath: job.directory, withIntermediateDirectories: true)
    } catch {
      throw ApusError(
        .cannotCreateOutput, "cannot create the directory", file: job.directory,
        advice: "Choose another place with --output.")
    }
    try WholeFile.write(Data(job.forecastScript.utf8), to: job.forecastFile)
    try WholeFile.write(Data(job.mergeScript.utf8), to: job.mergeFile)
    try result.show(
      Submission(
        tasks: tasks, scripts: [job.forecastFile, job.mergeFile], commands: job.commands,
        jobs: try sbatch.map { try submit(job, $0) } ?? []))
  }

  private func submit(_ job: SlurmJob, _ sbatch: Sbatch) throws -> [String] {
    let forecast = try sbatch.submit(["--parsable", job.forecastFile])
    do { return [forecast, try sbatch.submit(job.mergeArguments(after: forecast))] } catch let error
      as ApusError
    {
      // The forecasts are queued and worth having; only the merge is left to be submitted.
      throw ApusError(
        error.kind, "the forecasts are job \(forecast), but \(error.problem)", file: error.file,
        found: error.found,
        advice: "Submit it by hand: " + ShellText.line(["sbatch"] + job.mergeArguments(after: forecast)))
    }
  }

  /// An option of sbatch, with or without the `#SBATCH` before it.
  private static func option(_ line: String) -> String {
    let text = line.trimmingCharacters(in: .whitespaces)
    let bare = text.hasPrefix("#SBATCH") ? String(text.dropFirst("#SBATCH".count)) : text
    return bare.trimmingCharacters(in: .whitespaces)
  }
}
