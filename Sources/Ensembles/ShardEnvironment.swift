import Basics

/// Which part of a run a process has, from what schedulers and launchers put into its environment
/// (`--shard auto`).
///
/// Tasks of a Slurm job array and ranks of a parallel launch multiply: rank r of R in task t of T has part
/// t R + r of T R. Launchers are asked before Slurm: under `mpirun` inside a Slurm job every rank inherits one
/// and the same SLURM_PROCID.
public enum ShardEnvironment {
  /// What is looked for, for messages.
  static let variables = """
    SLURM_ARRAY_TASK_ID with SLURM_ARRAY_TASK_COUNT, OMPI_COMM_WORLD_RANK with OMPI_COMM_WORLD_SIZE, \
    PMI_RANK with PMI_SIZE, SLURM_PROCID with SLURM_NTASKS
    """

  /// The part of the run, index below count.
  /// - Parameter environment: names and values, as of the process.
  /// - Throws: `ApusError` of kind `usage` (64) where no such variables are there, where one is no number or
  ///   out of range, where array indices have gaps, or where a batch script has several tasks and starts one.
  public static func part(in environment: [String: String]) throws -> (index: Int, count: Int) {
    let values = environment.filter { !$0.value.isEmpty }
    let task = try arrayTask(values)
    let rank = try rank(values)
    guard task != nil || rank != nil else {
      throw ApusError(
        .usage, "no scheduler has said which part this process has", found: "none of the variables",
        expected: variables,
        advice: "Start apus in a job array, with srun or mpirun, or give --shard i/n.")
    }
    let (outer, inner) = (task ?? (0, 1), rank ?? (0, 1))
    return (outer.index * inner.count + inner.index, outer.count * inner.count)
  }

  /// The task of a job array, counted from 0.
  private static func arrayTask(_ values: [String: String]) throws -> (index: Int, count: Int)? {
    let names = (id: "SLURM_ARRAY_TASK_ID", count: "SLURM_ARRAY_TASK_COUNT")
    guard let id = try number(names.id, values) else { return nil }
    guard let count = try number(names.count, values) else {
      throw ApusError(
        .usage, "the job array does not say how many tasks it has", variable: names.id, found: "\(id)",
        expected: "\(names.count) beside it", advice: "Give --shard i/n instead of auto.")
    }
    let first = try number("SLURM_ARRAY_TASK_MIN", values) ?? 0
    let step = max(1, try number("SLURM_ARRAY_TASK_STEP", values) ?? 1)
    let last = try number("SLURM_ARRAY_TASK_MAX", values) ?? first + (count - 1) * step
    // A list of indices, such as the failed tasks of an earlier array, does not say what they are parts of.
    guard last - first == (count - 1) * step, (id - first) % step == 0 else {
      throw ApusError(
        .usage, "the job array has gaps", variable: names.id,
        found: "\(count) tasks from \(first) to \(last)",
        expected: "--array=0-\(max(count, 1) - 1)",
        advice:
          "To repeat some tasks of an array, give --shard \"$SLURM_ARRAY_TASK_ID/n\" with the array's n.")
    }
    return try checked((id - first) / step, of: count, names.id)
  }

  /// The rank in a parallel launch.
  private static func rank(_ values: [String: String]) throws -> (index: Int, count: Int)? {
    for (name, size) in [("OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE"), ("PMI_RANK", "PMI_SIZE")] {
      if let index = try number(name, values), let count = try number(size, values) {
        return try checked(index, of: count, name)
      }
    }
    let tasks = try number("SLURM_STEP_NUM_TASKS", values) ?? number("SLURM_NTASKS", values)
    guard let index = try number("SLURM_PROCID", values), let count = tasks else { return nil }
    // A batch script itself has SLURM_PROCID 0 too; what it starts without srun runs once, not count times.
    if count > 1, values["SLURM_JOB_ID"] != nil, values["SLURM_STEP_ID"] == nil {
      throw ApusError(
        .usage, "the batch script starts apus once, not once a task", variable: "SLURM_NTASKS",
        found: "\(count)", expected: "1, or a step of srun", advice: "Write srun before apus.")
    }
    return try checked(index, of: count, "SLURM_PROCID")
  }

  private static func number(_ name: String, _ values: [String: String]) throws -> Int? {
    guard let text = values[name] else { return nil }
    guard let number = Int(text), (0...1_000_000_000).contains(number) else {
      throw ApusError(
        .usage, "is no whole number", variable: name, found: "'\(text)'", expected: "0 to 1000000000",
        advice: "Give --shard i/n instead of auto.")
    }
    return number
  }

  private static func checked(_ index: Int, of count: Int, _ name: String) throws -> (index: Int, count: Int)
  {
    guard (0..<count).contains(index) else {
      throw ApusError(
        .usage, "is out of range", variable: name, found: "part \(index) of \(count), counted from 0",
        expected: "a part below the number of parts", advice: "Give --shard i/n instead of auto.")
    }
    return (index, count)
  }
}
