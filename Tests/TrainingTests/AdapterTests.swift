import Basics
import Fields
import Foundation
import Models
import Operators
import Testing
import Training

@Suite struct AdapterTests {
  let small: SmallTraining
  let directory: URL

  init() throws {
    small = try SmallTraining()
    directory = FileManager.default.temporaryDirectory.appendingPathComponent("apus-adapter-\(UUID())")
    try FileManager.default.createDirectory(
      at: directory.appendingPathComponent("adapters"), withIntermediateDirectories: true)
  }

  func path(_ name: String) -> String { directory.appendingPathComponent(name).path }

  func random(_ count: Int, _ stream: UInt64) -> AlignedBuffer<Float> {
    AlignedBuffer(Philox(seed: 9, purpose: .test, stream).normals(count).map { 0.1 * Float($0) })
  }

  @Test func theStartIsTheBaseToTheBit() throws {
    let base = small.start
    base.pointer[3] = -0.0
    for rank in [0, 1, 4, 100] {
      let adapter = LowRankAdapter(small.network.layout, rank: rank)
      let weights = adapter.composed(base, adapter.start(seed: 5))
      #expect(weights.array.map(\.bitPattern) == base.array.map(\.bitPattern))
    }
  }

  @Test func threadsDoNotChangeABit() throws {
    let adapter = LowRankAdapter(small.network.layout, rank: 3)
    let factors = random(adapter.count, 1)
    let serial = adapter.composed(small.start, factors)
    let parallel = AlignedBuffer<Float>(serial.count)
    try adapter.compose(small.start, factors, into: parallel, threads: 3)
    #expect(parallel.array == serial.array)
  }

  /// Every 2 x 2 minor of a change of rank 1 vanishes, in makani's order of the weights.
  @Test func changesHaveTheirRank() throws {
    let layout = small.network.layout
    let adapter = LowRankAdapter(layout, rank: 1)
    let base = AlignedBuffer<Float>(layout.count)
    let change = adapter.composed(base, random(adapter.count, 2))
    var changed = 0
    for segment in layout.segments where segment.shape.count > 1 {
      let (rows, columns) = (segment.shape[0], segment.shape[1])
      var values = Array(
        UnsafeBufferPointer(start: change.pointer + segment.offset, count: segment.count))
      let slices = segment.isSpectral ? segment.shape[2] : 1
      if segment.isSpectral { values = ParameterLayout.spectralToFile(values, shape: segment.shape) }
      func entry(_ row: Int, _ column: Int, _ l: Int) -> (Double, Double) {
        let i = row * columns + column
        guard segment.isSpectral else { return (Double(values[i]), 0) }
        return (Double(values[2 * (i * slices + l)]), Double(values[2 * (i * slices + l) + 1]))
      }
      func product(_ a: (Double, Double), _ b: (Double, Double)) -> (Double, Double) {
        (a.0 * b.0 - a.1 * b.1, a.0 * b.1 + a.1 * b.0)
      }
      for l in 0..<slices {
        for row in 1..<rows {
          for column in 1..<columns {
            let one = product(entry(0, 0, l), entry(row, column, l))
            let other = product(entry(0, column, l), entry(row, 0, l))
            #expect(abs(one.0 - other.0) + abs(one.1 - other.1) < 1e-8)
            changed += one.0 != 0 ? 1 : 0
          }
        }
      }
    }
    #expect(changed > 1000)
  }

  /// The gradient of the factors against differences of the loss along it.
  @Test func gradientOfTheFactorsIsTheLimitOfDifferences() throws {
    let adapter = LowRankAdapter(small.network.layout, rank: 3)
    let factors = random(adapter.count, 4)
    for factor in adapter.factors {
      let end = factor.offset + (factor.count + 15) / 16 * 16
      for i in factor.offset + factor.count..<end { factors.pointer[i] = 0 }
    }
    let batch = BatchGradient(network: small.network, features: small.features, loss: small.loss, steps: 1)
    func loss(_ factors: AlignedBuffer<Float>) throws -> Double {
      try batch.compute(
        adapter.composed(small.start, factors), small.set, samples: [0, 7, 13, 22], threads: 2)
    }
    _ = try loss(factors)
    let gradient = AlignedBuffer<Float>(adapter.count)
    try adapter.project(batch.gradient, factors, into: gradient, threads: 2)
    let values = gradient.array
    var checked = 0
    /// Every tensor alone, so that a small one is not lost beside the large ones.
    for factor in adapter.factors {
      let part = factor.offset..<factor.offset + factor.count
      let norm = part.reduce(0.0) { $0 + Double(values[$1] * values[$1]) }.squareRoot()
      // The last bias-free layer before a norm may have next to no gradient; rounding rules there.
      guard norm > 1e-3 else { continue }
      let step = 4e-3
      func moved(_ sign: Double) throws -> Double {
        let other = AlignedBuffer(factors.array)
        for i in part { other.pointer[i] += Float(sign * step * Double(values[i]) / norm) }
        return try loss(other)
      }
      let difference = (try moved(1) - moved(-1)) / (2 * step)
      #expect(abs(difference - norm) < 0.03 * norm, "\(factor.name): \(difference) and \(norm)")
      checked += 1
    }
    #expect(checked > adapter.factors.count / 2, "\(checked) of \(adapter.factors.count)")
    // Padding takes no part.
    #expect(values.indices.filter { values[$0] != 0 }.count <= adapter.factors.reduce(0) { $0 + $1.count })
  }

  @Test func trainingMovesTheFactorsOnly() throws {
    let adapter = AdapterTraining(LowRankAdapter(small.network.layout, rank: 4), base: small.start, seed: 2)
    let trainer = try small.trainer(steps: 120, adapter: adapter, threads: 2) {
      $0.schedule = LearningRateSchedule(peak: 1e-2, final: 0, warmupSteps: 3, steps: 120)
    }
    let before = try trainer.validate()
    try trainer.run(meter: SmallTraining.meter(), isStopped: { false }, save: { _ in })
    let after = try trainer.validate()
    #expect(after < 0.3 * before, "\(before) to \(after)")
    let (weights, start) = (trainer.result, small.start)
    for segment in small.network.layout.segments where segment.shape.count == 1 {
      for i in segment.offset..<segment.offset + segment.count {
        #expect(weights.pointer[i] == start.pointer[i])
      }
    }
  }

  @Test func anAdapterReadsAsACheckpoint() throws {
    defer { try? FileManager.default.removeItem(at: directory) }
    try small.checkpoint(small.start).write(path("base.safetensors"))
    let base = try Checkpoint.read(path("base.safetensors"))
    let adapter = LowRankAdapter(base.network.layout, rank: 2)
    let factors = random(adapter.count, 6)
    let file = path("adapters/one.safetensors")
    try adapter.write(file, factors, base: base, provenance: #"{"name":"one"}"#)
    let read = try Checkpoint.read(file)
    #expect(read.parameters.array == adapter.composed(base.parameters, factors).array)
    #expect(read.provenance == #"{"name":"one"}"#)
    #expect(read.digest != base.digest)
    #expect(read.normalisation == base.normalisation)
    // An adapter of an adapter.
    try adapter.write(path("two.safetensors"), factors, base: read, provenance: "{}", half: true)
    #expect(try Checkpoint.read(path("two.safetensors")).channels == base.channels)

    // Beside the adapter is as good as where it was.
    try FileManager.default.moveItem(
      atPath: path("base.safetensors"), toPath: path("adapters/base.safetensors"))
    #expect(try Checkpoint.read(file).parameters.array == read.parameters.array)
    try FileManager.default.removeItem(atPath: path("adapters/base.safetensors"))
    let missing = #expect(throws: ApusError.self) { try Checkpoint.read(file) }
    #expect(missing?.kind == .inputMissing)
    #expect(missing?.file == file)
    try small.checkpoint(small.network.layout.initialise(seed: 77, decoderScale: 1))
      .write(path("base.safetensors"))
    let another = #expect(throws: ApusError.self) { try Checkpoint.read(file) }
    #expect(another?.kind == .badData)
    #expect(another?.expected?.hasPrefix(String(base.digest.prefix(12))) == true)
  }

  /// The network of models/t31_*: an adapter of rank 4 takes some hundred kilobytes.
  @Test func sizeOfAnAdapter() throws {
    let layout = ParameterLayout(
      SFNOConfiguration(
        shape: [48, 96], inputChannels: 20, outputChannels: 12, embedding: 64, blocks: 4,
        hardThresholdingFraction: 0.67, modelGridType: "legendre-gauss"))
    let count = LowRankAdapter(layout, rank: 4).factors.reduce(0) { $0 + $1.count }
    // 32 degrees x 2 x 2 x 64 x 4 spectral and 2 x (64 + 128) x 4 + 128 x 4 pointwise numbers a block.
    let block = 32 * 2 * 2 * 64 * 4 + 2 * (64 + 128) * 4 + 2 * 64 * 4
    let ends = (64 + 20) * 4 + 2 * (64 + 64) * 4 + (12 + 64) * 4 + (12 + 20) * 4
    #expect(count == 4 * block + ends)
    #expect(2 * count < 350_000)
  }
}
