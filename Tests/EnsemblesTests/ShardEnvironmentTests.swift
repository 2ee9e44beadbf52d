import Basics
import Ensembles
import Testing

@Suite struct ShardEnvironmentTests {
  /// Slurm's variables of task `id` in an array of `count` from `first`.
  func array(_ id: Int, of count: Int, from first: Int = 0, step: Int = 1) -> [String: String] {
    [
      "SLURM_JOB_ID": "77", "SLURM_ARRAY_JOB_ID": "70", "SLURM_ARRAY_TASK_ID": "\(id)",
      "SLURM_ARRAY_TASK_COUNT": "\(count)", "SLURM_ARRAY_TASK_MIN": "\(first)",
      "SLURM_ARRAY_TASK_MAX": "\(first + (count - 1) * step)", "SLURM_ARRAY_TASK_STEP": "\(step)",
    ]
  }

  /// Slurm's variables of a rank that srun started.
  func step(_ rank: Int, of count: Int) -> [String: String] {
    [
      "SLURM_JOB_ID": "77", "SLURM_STEP_ID": "0", "SLURM_PROCID": "\(rank)", "SLURM_NTASKS": "\(count)",
      "SLURM_STEP_NUM_TASKS": "\(count)",
    ]
  }

  func part(_ environment: [String: String]) throws -> [Int] {
    let part = try ShardEnvironment.part(in: environment)
    return [part.index, part.count]
  }

  @Test func arrayTasks() throws {
    #expect(try part(array(0, of: 4)) == [0, 4])
    #expect(try part(array(3, of: 4)) == [3, 4])
    #expect(try part(array(13, of: 5, from: 10)) == [3, 5])
    #expect(try part(array(8, of: 4, from: 2, step: 2)) == [3, 4])
    // Older Slurms say nothing but these.
    #expect(try part(["SLURM_ARRAY_TASK_ID": "2", "SLURM_ARRAY_TASK_COUNT": "3"]) == [2, 3])
  }

  @Test func ranks() throws {
    #expect(try part(step(5, of: 7)) == [5, 7])
    #expect(try part(["SLURM_PROCID": "1", "SLURM_NTASKS": "2"]) == [1, 2])
    #expect(try part(["OMPI_COMM_WORLD_RANK": "2", "OMPI_COMM_WORLD_SIZE": "6"]) == [2, 6])
    #expect(try part(["PMI_RANK": "0", "PMI_SIZE": "1"]) == [0, 1])
  }

  /// Under mpirun every rank inherits the SLURM_PROCID of the script.
  @Test func launchersGoBeforeSlurm() throws {
    let slurm = ["SLURM_JOB_ID": "77", "SLURM_PROCID": "0", "SLURM_NTASKS": "4"]
    let mpi = ["OMPI_COMM_WORLD_RANK": "3", "OMPI_COMM_WORLD_SIZE": "4"]
    #expect(try part(slurm.merging(mpi) { $1 }) == [3, 4])
    #expect(try part(step(1, of: 4).merging(["PMI_RANK": "1", "PMI_SIZE": "4"]) { $1 }) == [1, 4])
  }

  @Test func arraysTimesRanksCoverEveryPartOnce() throws {
    var parts: [Int] = []
    for task in 0..<3 {
      for rank in 0..<4 {
        let part = try part(array(task, of: 3).merging(step(rank, of: 4)) { $1 })
        #expect(part[1] == 12)
        parts.append(part[0])
      }
    }
    #expect(parts == Array(0..<12))
  }

  /// In an array without ranks the script's own SLURM_PROCID 0 changes nothing.
  @Test func scriptOfAnArray() throws {
    #expect(try part(array(1, of: 2).merging(["SLURM_PROCID": "0"]) { $1 }) == [1, 2])
    #expect(try part(array(1, of: 2).merging(["SLURM_PROCID": "0", "SLURM_NTASKS": "1"]) { $1 }) == [1, 2])
  }

  @Test(arguments: [
    ([:], "SLURM_ARRAY_TASK_ID with SLURM_ARRAY_TASK_COUNT"),
    (["SLURM_ARRAY_TASK_ID": "1"], "SLURM_ARRAY_TASK_COUNT beside it"),
    (["SLURM_ARRAY_TASK_ID": "0", "SLURM_ARRAY_TASK_COUNT": "9223372036854775807"], "0 to 1000000000"),
    (["PMI_RANK": "", "PMI_SIZE": ""], "none of the variables"),
    (["PMI_RANK": "two", "PMI_SIZE": "4"], "'PMI_RANK': is no whole number: found 'two'"),
    (["PMI_RANK": "4", "PMI_SIZE": "4"], "found part 4 of 4"),
    (["SLURM_ARRAY_TASK_ID": "0", "SLURM_ARRAY_TASK_COUNT": "0"], "'SLURM_ARRAY_TASK_ID'"),
    (["SLURM_JOB_ID": "7", "SLURM_PROCID": "0", "SLURM_NTASKS": "4"], "Write srun before apus."),
    (
      [
        "SLURM_ARRAY_TASK_ID": "5", "SLURM_ARRAY_TASK_COUNT": "3", "SLURM_ARRAY_TASK_MIN": "1",
        "SLURM_ARRAY_TASK_MAX": "7", "SLURM_ARRAY_TASK_STEP": "1",
      ], "found 3 tasks from 1 to 7, expected --array=0-2"
    ),
  ])
  func refusals(_ environment: [String: String], _ text: String) throws {
    let error = try #require(throws: ApusError.self) { try part(environment) }
    #expect(error.kind == .usage)
    #expect(error.description.contains(text), "\(error)")
  }
}
