import Basics

/// A run as two Slurm jobs: an array whose tasks share the forecasts, and a merge after all of them.
struct SlurmJob {
  /// What `#SBATCH` lines ask for.
  struct Request {
    var tasks: Int
    var processorsPerTask: Int
    var partition: String?
    var time: String?
    var memory: String?
    var account: String?
    /// More options, each `--name=value`.
    var extra: [String] = []
  }

  /// Name of the run.
  let name: String
  /// Absolute paths: the executable, where relative paths of the run file start, the run file, the run
  /// directory.
  let program: String
  let workingDirectory: String
  let pipeline: String
  let runDirectory: String
  /// Only this initial time.
  let date: String?
  let request: Request

  /// Where scripts and logs go.
  var directory: String { runDirectory + "/slurm" }
  var forecastFile: String { directory + "/forecast.sbatch" }
  var mergeFile: String { directory + "/merge.sbatch" }

  /// The array. On USR1, two minutes before its time is up, a task stops apus, which ends with 75 and leaves
  /// finished files; then it puts itself back into the queue, and goes on later.
  var forecastScript: String {
    """
    \(head(job: jobName, log: "forecast_%A_%a", more: ["--array=0-\(request.tasks - 1)", "--signal=B:USR1@120"]))
    # Forecasts of \(oneLine(name)) in \(request.tasks) tasks, written by apus \(apusVersion).
    # Task 0 alone once more: sbatch --array=0 forecast.sbatch

    # USR1: time is nearly up. apus takes TERM as the wish to stop, and ends with 75 once its files are whole.
    # TERM: the job was cancelled or preempted. Slurm has sent it to apus too; this shell only waits.
    signalled=no stopping=no apus=
    trap 'signalled=yes stopping=yes; kill -TERM "$apus" 2> /dev/null' USR1
    trap 'signalled=yes stopping=cancelled' TERM

    # i/n, not auto: in an array of one repeated task, auto would take that task for the whole.
    \(apus("forecast")) --shard "$SLURM_ARRAY_TASK_ID/\(request.tasks)" &
    apus=$!
    while
      signalled=no
      wait "$apus"
      code=$?
      [ $signalled = yes ]   # a signal ends `wait`, not apus
    do :; done

    # 75, try again later. At most 100 times: a lock that nobody opens must not go round forever.
    if [ $code = 75 ] && [ $stopping != cancelled ] && [ "${SLURM_RESTART_COUNT:-0}" -lt 100 ]; then
      scontrol requeue "${SLURM_ARRAY_JOB_ID}_$SLURM_ARRAY_TASK_ID"
    fi
    exit $code

    """
  }

  /// The job after the array: products, scores, report.
  var mergeScript: String {
    """
    \(head(job: jobName + "-merge", log: "merge_%j", more: []))
    # Products of \(oneLine(name)) from the parts of all tasks, written by apus \(apusVersion).

    \(apus("merge"))

    """
  }

  /// The commands that submit both, for a shell.
  var commands: [String] {
    [
      "forecast=$(\(ShellText.line(["sbatch", "--parsable", forecastFile])))",
      "sbatch --parsable --dependency=afterok:${forecast%%;*} --kill-on-invalid-dep=yes "
        + ShellText.word(mergeFile),
    ]
  }

  /// Arguments of sbatch for the merge of an array.
  func mergeArguments(after job: String) -> [String] {
    ["--parsable", "--dependency=afterok:\(job)", "--kill-on-invalid-dep=yes", mergeFile]
  }

  private func head(job: String, log: String, more: [String]) -> String {
    var options = ["--job-name=\(job)"] + more
    options += ["--cpus-per-task=\(request.processorsPerTask)", "--requeue", "--open-mode=append"]
    // In names of logs Slurm puts numbers where % stands.
    options.append("--output=\"\(directory.replacing("%", with: "%%"))/\(log).log\"")
    for (option, value) in [
      ("partition", request.partition), ("account", request.account), ("time", request.time),
      ("mem", request.memory),
    ] {
      if let value { options.append("--\(option)=\(value)") }
    }
    let lines = ["#!/bin/bash"] + (options + request.extra).map { "#SBATCH \($0)" }
    return (lines + ["cd \(ShellText.word(workingDirectory)) || exit 66"]).joined(separator: "\n")
  }

  private func apus(_ command: String) -> String {
    let words = [program, command, pipeline, "--output", runDirectory] + (date.map { ["--date", $0] } ?? [])
    return ShellText.line(words) + " --threads \"${SLURM_CPUS_PER_TASK:-1}\""
  }

  /// `apus-` and the run's name in letters that need no quoting.
  private var jobName: String {
    "apus-" + String(name.map { $0.isASCII && ($0.isLetter || $0.isNumber || "._-".contains($0)) ? $0 : "_" })
  }

  private func oneLine(_ text: String) -> String {
    String(text.map { $0.isNewline ? " " : $0 })
  }
}
