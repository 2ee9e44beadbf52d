import ArgumentParser
import Basics

struct BenchCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "bench",
    abstract: "Time the kernels and say which part of the machine's limits they reach.",
    discussion: """
      First measures what the machine can do: single precision matrix products and memory traffic on as \
      many threads. Times are medians of repeats. Run it on an otherwise idle machine.
      """)

  enum Suite: String, ExpressibleByArgument, CaseIterable {
    case sht, sfno, train, crps, hens, all
  }

  @Argument(
    help: """
      sht: transforms; sfno: forward passes; train: training steps; all: these three; crps: scores of an \
      ensemble, beside reading and sorting it; hens: one step of the published network, 721 x 1440 and 1.1 \
      billion random weights (needs 18 GB of memory, minutes).
      """)
  var suite = Suite.all

  @Option(help: ArgumentHelp("Measure every kernel for so long.", valueName: "s"))
  var seconds = 1.0

  @Option(
    help: ArgumentHelp(
      "hens: the weights, mapped from this file; where it does not exist, 8.9 GB of random ones are written.",
      valueName: "file"), completion: .file())
  var weights = "hens_random.safetensors"

  @OptionGroup var threads: ThreadOptions
  @OptionGroup var result: ResultOptions

  func validate() throws {
    guard seconds > 0, seconds <= 3600 else { throw ValidationError("--seconds must be in (0, 3600].") }
  }

  func run() throws {
    let stopwatch = Stopwatch(seconds: seconds)
    let limits = try MachineLimits(threads: threads.count, stopwatch)
    var kernels: [KernelTiming] = []
    if [.sht, .all].contains(suite) { kernels += try TransformBench.run(threads.count, stopwatch) }
    if [.sfno, .all].contains(suite) { kernels += try NetworkBench.run(threads.count, stopwatch) }
    if [.train, .all].contains(suite) { kernels += try TrainingBench.run(threads.count, stopwatch) }
    if suite == .crps { kernels += try ScoreBench.run(threads.count, stopwatch) }
    if suite == .hens { kernels += try FullSizeBench.run(threads.count, weights: weights) }
    try result.show(BenchReport(limits: limits, kernels: kernels))
  }
}
