import Basics
import Operators
import Sphere

/// One step of a forecast for a batch of members, members dealt out over threads.
enum NetworkBench {
  static func run(_ threads: Int, _ stopwatch: Stopwatch) throws -> [KernelTiming] {
    try BenchNetwork.all.map { bench in
      let network = try SFNO(bench.configuration)
      let batch = BenchNetwork.batch
      let points = network.grid.pointCount
      let (inputSize, outputSize) = (BenchNetwork.inputs * points, BenchNetwork.outputs * points)
      let weights = SFNOWeights(
        network, network.layout.initialise(seed: 1, decoderScale: nil), precision: bench.precision)
      let normals = Philox(seed: 1, purpose: .test).normals(batch * inputSize)
      let input = AlignedBuffer(normals.map { Float($0) })
      let output = AlignedBuffer<Float>(batch * outputSize)
      let workspaces = (0..<min(threads, batch)).map { _ in network.makeWorkspace() }
      let time = try stopwatch.median {
        try Parallel.forEach(batch, threads: threads) { sample, thread in
          network.forward(
            weights, input: input.pointer + sample * inputSize,
            output: output.pointer + sample * outputSize, workspaces[thread])
        }
      }
      return KernelTiming(
        name: "sfno.forward.\(bench.name)", seconds: time.seconds,
        repeats: time.repeats,
        operations: Double(batch) * network.operationsPerStep,
        bytes: 4 * Double(network.layout.count + batch * (inputSize + outputSize)))
    }
  }
}
