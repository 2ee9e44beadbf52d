import ArgumentParser
import Basics
import COpenBLAS

@main
struct Apus: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "apus",
    abstract: "Huge ensemble weather forecasts with neural operators on the sphere.",
    discussion: """
      Results go to standard output, logs to standard error. Exit codes: 0 done, 64 usage, 65 bad data, \
      66 input missing, 69 a program is missing or refuses, 70 internal, 73 cannot create output, \
      74 I/O error, 75 try again later, 78 bad run file.
      """,
    version: apusVersion,
    subcommands: commands)

  /// Every command, in the order of the help: from the main job to single tools.
  static let commands: [any ParsableCommand.Type] = [
    DemoCommand.self,
    RunCommand.self, MergeCommand.self,
    PlanCommand.self,
    StatusCommand.self,
    DailyCommand.self,
    SubmitCommand.self,
    TrainCommand.self,
    ForecastCommand.self,
    BreedCommand.self, EmulateCommand.self,
    ClimateCommand.self,
    VerifyCommand.self,
    ReportCommand.self,
    MemberCommand.self,
    SpectrumCommand.self,
    InspectCommand.self,
    GridCommand.self,
    CheckpointCommand.self,
    BenchCommand.self,
  ]

  static func main() {
    BLASProcessor.restartIfMistaken()
    // Apus is parallel over members, samples and fields; BLAS threads inside would fight for the cores.
    openblas_set_num_threads(1)
    StopFlag.listen()
    var command: any ParsableCommand
    do { command = try parseAsRoot() } catch { Failure.endUsage(error) }
    do { try command.run() } catch { Failure.end(error) }
  }
}
