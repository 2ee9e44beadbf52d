import Basics
import Fields
import RunFiles

/// One command line a shard, for GNU parallel, xargs or any queue.
enum ShardCommands {
  /// The commands, each for a shell, with absolute paths; they start in the current directory.
  /// - Throws: `ApusError` where the run file is not understood, or what it names is missing.
  static func lines(_ options: PipelineOptions, shards: Int) throws -> [String] {
    _ = try RunCheck.read(options.pipeline, date: options.date)
    var words = [ThisProgram.path, "forecast", ThisProgram.absolute(options.pipeline)]
    if let output = options.output { words += ["--output", ThisProgram.absolute(output)] }
    if let date = options.date { words += ["--date", date.description] }
    words += ["--threads", "\(options.threads.threads ?? 1)"]
    return (0..<shards).map { ShellText.line(words + ["--shard", "\($0)/\(shards)"]) }
  }
}
