import Foundation
import Testing

/// `apus submit slurm`, `--shard auto` and `plan --print-commands`, without any Slurm: what real daemons do
/// with the scripts is tools/slurm_test.sh's business.
@Suite struct SubmitTests {
  let world: SmallWorld
  let scratch: Scratch
  let runFile: String

  init() throws {
    world = try SmallWorld.shared.get()
    scratch = try Scratch()
    runFile = scratch.file("run.yml").path
    try world.ensemble().replacing("name: small", with: "name: february").write(
      toFile: runFile, atomically: true, encoding: .utf8)
  }

  /// The filed example, which is what the command writes; `APUS_REWRITE_SNAPSHOTS=1` writes it anew.
  static let example = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .appendingPathComponent("../../pipelines/slurm").standardized

  func submit(_ arguments: [String] = [], path: String? = nil) throws -> Binary.Outcome {
    try Binary.run(
      ["submit", "slurm", runFile] + arguments, in: scratch.directory,
      environment: path.map { ["PATH": $0] } ?? [:])
  }

  func script(_ name: String, of directory: String = "run") throws -> String {
    try String(contentsOf: scratch.file("\(directory)/slurm/\(name)"), encoding: .utf8)
  }

  /// A program in a directory that can stand on the PATH.
  func program(_ name: String, _ text: String) throws -> String {
    let directory = scratch.file("bin")
    try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
    let file = directory.appendingPathComponent(name).path
    try ("#!/bin/bash\n" + text).write(toFile: file, atomically: true, encoding: .utf8)
    try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: file)
    return directory.path
  }

  func bash(_ arguments: [String], _ environment: [String: String] = [:]) throws -> Int32 {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/bin/bash")
    process.arguments = arguments
    process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
    process.standardOutput = FileHandle.nullDevice
    process.standardError = FileHandle.nullDevice
    try process.run()
    process.waitUntilExit()
    return process.terminationStatus
  }

  @Test func scriptsAreAsFiled() throws {
    let outcome = try submit([
      "--tasks", "8", "--cpus-per-task", "2", "--partition", "compute", "--time", "2:00:00", "--memory", "4G",
      "--account", "weather", "--extra", "#SBATCH --constraint=rome", "--dry-run",
    ])
    #expect(outcome.code == 0, "\(outcome.errors)")
    let version = try Binary.run(["--version"]).output.trimmingCharacters(in: .whitespacesAndNewlines)
    let program = URL(fileURLWithPath: Binary.path).resolvingSymlinksInPath().path
    for name in ["forecast.sbatch", "merge.sbatch"] {
      let text = try script(name)
        .replacing(program, with: "/usr/local/bin/apus").replacing(
          scratch.directory.path, with: "/scratch/apus"
        )
        .replacing("by apus \(version).", with: "by apus VERSION.")
      let file = SubmitTests.example.appendingPathComponent(name)
      if HelpTests.rewrites { try text.write(to: file, atomically: true, encoding: .utf8) }
      #expect(try text == String(contentsOf: file, encoding: .utf8), "\(name)")
      #expect(try bash(["-n", scratch.file("run/slurm/\(name)").path]) == 0)
    }
    let lines = outcome.output.split(separator: "\n")
    let directory = scratch.file("run/slurm").path
    #expect(lines.first.map(String.init) == "forecast=$(sbatch --parsable \(directory)/forecast.sbatch)")
    #expect(
      lines.last.map(String.init)
        == "sbatch --parsable --dependency=afterok:${forecast%%;*} --kill-on-invalid-dep=yes \(directory)/merge.sbatch"
    )
  }

  /// Letters that a shell or Slurm would read as their own.
  @Test func pathsAreQuoted() throws {
    let outcome = try submit(["--output", "it's 5% $HOME", "--dry-run", "--json"])
    #expect(outcome.code == 0, "\(outcome.errors)")
    let text = try script("forecast.sbatch", of: "it's 5% $HOME")
    let directory = scratch.directory.path
    #expect(text.contains("#SBATCH --output=\"\(directory)/it's 5%% $HOME/slurm/forecast_%A_%a.log\""))
    #expect(text.contains("--output '\(directory)/it'\\''s 5% $HOME' --threads"))
    for name in ["forecast.sbatch", "merge.sbatch"] {
      #expect(try bash(["-n", scratch.file("it's 5% $HOME/slurm/\(name)").path]) == 0)
    }
    #expect(try outcome.json()["jobs"] as? [String] == [])
  }

  /// The script is bash: without Slurm its tasks together make the run.
  @Test func theScriptsTasksMakeTheRun() throws {
    #expect(try submit(["--tasks", "2", "--dry-run"]).code == 0)
    for task in ["0", "1"] {
      #expect(
        try bash([scratch.file("run/slurm/forecast.sbatch").path], ["SLURM_ARRAY_TASK_ID": task]) == 0)
    }
    #expect(scratch.files.count { $0.hasPrefix("run/members/") } == 18)
  }

  /// Code 75 puts a task back into the queue, unless it has been there too often; other codes do not.
  @Test func tryAgainLaterIsRequeued() throws {
    #expect(try submit(["--tasks", "2", "--dry-run"]).code == 0)
    let log = scratch.file("requeued").path
    let path = try program("scontrol", "echo \"$@\" >> '\(log)'\n") + ":/usr/bin:/bin"
    let fake = try program("apus", "exit $ENDS_WITH\n") + "/apus"
    let file = scratch.file("run/slurm/forecast.sbatch")
    let genuine = URL(fileURLWithPath: Binary.path).resolvingSymlinksInPath().path
    try String(contentsOf: file, encoding: .utf8).replacing(genuine, with: fake)
      .write(to: file, atomically: true, encoding: .utf8)
    for (ends, restarts) in [("75", "0"), ("75", "100"), ("65", "0"), ("0", "0")] {
      let code = try bash(
        [file.path],
        [
          "PATH": path, "ENDS_WITH": ends, "SLURM_RESTART_COUNT": restarts, "SLURM_ARRAY_JOB_ID": "7",
          "SLURM_ARRAY_TASK_ID": "1",
        ])
      #expect("\(code)" == ends)
    }
    #expect(try String(contentsOfFile: log, encoding: .utf8) == "requeue 7_1\n")
  }

  @Test func jobsAreSubmittedOneAfterTheOther() throws {
    let log = scratch.file("submitted").path
    let path = try program(
      "sbatch", "echo \"$@\" >> '\(log)'\necho \"1$(wc -l < '\(log)');cluster\"\n")
    let outcome = try submit(["--json"], path: path + ":/usr/bin:/bin")
    #expect(outcome.code == 0, "\(outcome.errors)")
    #expect(try outcome.json()["jobs"] as? [String] == ["11", "12"])
    let directory = scratch.file("run/slurm").path
    #expect(
      try String(contentsOfFile: log, encoding: .utf8) == """
        --parsable \(directory)/forecast.sbatch
        --parsable --dependency=afterok:11 --kill-on-invalid-dep=yes \(directory)/merge.sbatch

        """)
  }

  @Test func whatSlurmRefusesIsSaid() throws {
    let missing = try submit(path: "/nowhere")
    #expect(missing.code == 69)
    #expect(missing.errors.contains("'sbatch': no Slurm here"), "\(missing.errors)")
    #expect(!scratch.files.contains { $0.hasSuffix(".sbatch") })
    let path = try program("sbatch", "echo 'sbatch: error: invalid partition' >&2\nexit 1\n")
    let refused = try submit(path: path + ":/usr/bin:/bin")
    #expect(refused.code == 69)
    #expect(refused.errors.contains("'sbatch: error: invalid partition'"), "\(refused.errors)")
    #expect(refused.output.isEmpty)
  }

  @Test func theRunFileIsCheckedFirst() throws {
    for (text, code) in [
      (world.ensemble(extra: "colour: red"), 78), (world.ensemble(analyses: "nowhere.nc"), 66),
      (world.ensemble().replacing("to: 2026-01-15,", with: "to: 2027-01-15,"), 66),
    ] as [(String, Int32)] {
      try text.write(toFile: runFile, atomically: true, encoding: .utf8)
      let outcome = try submit(["--dry-run"])
      #expect(outcome.code == code, "\(outcome.errors)")
      #expect(scratch.files == ["run.yml"])
    }
  }

  @Test(arguments: [
    ["--tasks", "0"], ["--cpus-per-task", "0"], ["--time", "1 hour"], ["--partition", "a\nb"],
    ["--extra", "echo"], ["--extra", "#SBATCH --a\n--b"], ["--output", "a\"b"],
  ])
  func badOptions(_ options: [String]) throws {
    let outcome = try submit(options + ["--dry-run"])
    #expect(outcome.code == 64, "\(outcome.errors)")
    #expect(scratch.files == ["run.yml"])
  }

  @Test func shardAutoReadsTheEnvironment() throws {
    let none = try Binary.run(["forecast", runFile, "--shard", "auto"], in: scratch.directory)
    #expect(none.code == 64)
    #expect(
      none.errors.contains("expected SLURM_ARRAY_TASK_ID with SLURM_ARRAY_TASK_COUNT"), "\(none.errors)")
    for bad in ["2/2", "1", "a/b", "1/2/", "-1/2"] {
      let outcome = try Binary.run(["run", runFile, "--shard=\(bad)"], in: scratch.directory)
      #expect(outcome.code == 64)
      #expect(outcome.errors.contains("found '\(bad)', expected i/n"), "\(outcome.errors)")
    }
    for rank in ["0", "1"] {
      let outcome = try Binary.run(
        ["forecast", runFile, "--shard", "auto"], in: scratch.directory,
        environment: ["PMI_RANK": rank, "PMI_SIZE": "2"])
      #expect(outcome.code == 0, "\(outcome.errors)")
    }
    #expect(scratch.files.count { $0.hasPrefix("run/members/") } == 18)
  }

  @Test func planPrintsCommands() throws {
    let outcome = try Binary.run(
      ["plan", runFile, "--print-commands", "3", "--output", "a b", "--threads", "1"], in: scratch.directory)
    #expect(outcome.code == 0, "\(outcome.errors)")
    let lines = outcome.output.split(separator: "\n")
    #expect(lines.count == 3)
    #expect(
      lines[2].hasSuffix(
        " forecast \(runFile) --output '\(scratch.directory.path)/a b' --threads 1 --shard 2/3"))
    #expect(scratch.files == ["run.yml"])
  }
}
