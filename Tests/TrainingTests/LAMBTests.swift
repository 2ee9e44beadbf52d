import Basics
import Testing
import Training

@Suite struct LAMBTests {
  static func numbers(_ count: Int, _ stream: UInt64, scale: Float = 1) -> AlignedBuffer<Float> {
    AlignedBuffer(Philox(seed: 3, purpose: .test, stream).normals(count).map { scale * Float($0) })
  }

  /// A matrix of 40 numbers with 8 of padding, a bias of 16.
  static let tensors = [
    TensorPlace(offset: 0, count: 40, isMatrix: true), TensorPlace(offset: 48, count: 16, isMatrix: false),
  ]

  static func padded(_ buffer: AlignedBuffer<Float>) -> AlignedBuffer<Float> {
    for i in 40..<48 { buffer.pointer[i] = 0 }
    return buffer
  }

  /// Algorithm 2 of You et al. (2020) written out in double precision, one number at a time.
  @Test func followsThePublishedRule() throws {
    let parameters = Self.padded(Self.numbers(64, 1))
    var expected = parameters.array.map(Double.init)
    var (first, second) = ([Double](repeating: 0, count: 64), [Double](repeating: 0, count: 64))
    let optimiser = LAMB(
      parameters, tensors: Self.tensors, betas: (0.9, 0.95), decay: 0.1, averageDecay: nil)
    var (power1, power2) = (1.0, 1.0)
    for step in 1...6 {
      let gradient = Self.padded(Self.numbers(64, UInt64(10 + step)))
      try optimiser.update(
        parameters, gradient: gradient, step: step, learningRate: 0.02, scale: 0.5, threads: 2)
      (power1, power2) = (power1 * 0.9, power2 * 0.95)
      for tensor in Self.tensors {
        let range = tensor.offset..<tensor.offset + tensor.count
        var direction = [Int: Double]()
        for i in range {
          let g = 0.5 * Double(gradient.pointer[i])
          first[i] = 0.9 * first[i] + 0.1 * g
          second[i] = 0.95 * second[i] + 0.05 * g * g
          let adam = first[i] / (1 - power1) / ((second[i] / (1 - power2)).squareRoot() + 1e-6)
          direction[i] = adam + (tensor.isMatrix ? 0.1 * expected[i] : 0)
        }
        let weight = range.reduce(0) { $0 + expected[$1] * expected[$1] }.squareRoot()
        let size = range.reduce(0) { $0 + (direction[$1] ?? 0) * (direction[$1] ?? 0) }.squareRoot()
        let trust = tensor.isMatrix ? weight / size : 1
        for i in range { expected[i] -= 0.02 * trust * (direction[i] ?? 0) }
      }
    }
    for i in 0..<64 { #expect(abs(Double(parameters.pointer[i]) - expected[i]) < 1e-5, "\(i)") }
    for i in 40..<48 { #expect(parameters.pointer[i] == 0) }
  }

  /// Whatever the gradient, a matrix moves by the learning rate times its own norm.
  @Test(arguments: [Float(1e-4), 1, 1e4]) func aStepHasTheSizeOfTheMatrix(_ size: Float) throws {
    let parameters = Self.numbers(4096, 2)
    let before = parameters.array
    let optimiser = LAMB(
      parameters, tensors: [TensorPlace(offset: 0, count: 4096, isMatrix: true)], betas: (0.9, 0.999),
      decay: 0, averageDecay: nil)
    try optimiser.update(
      parameters, gradient: Self.numbers(4096, 5, scale: size), step: 1, learningRate: 0.01, scale: 1,
      threads: 1)
    func norm(_ values: [Float]) -> Double { values.reduce(0.0) { $0 + Double($1 * $1) }.squareRoot() }
    let moved = norm(zip(parameters.array, before).map { $0 - $1 })
    #expect(abs(moved - 0.01 * norm(before)) < 1e-4 * moved)
  }

  /// A bias that is zero still moves, and a zero gradient moves nothing.
  @Test func zerosAreNoTrap() throws {
    let parameters = AlignedBuffer<Float>(64)
    let optimiser = LAMB(
      parameters, tensors: Self.tensors, betas: (0.9, 0.95), decay: 0.1, averageDecay: 0.5)
    try optimiser.update(
      parameters, gradient: AlignedBuffer(64), step: 1, learningRate: 0.1, scale: 1, threads: 1)
    #expect(parameters.array.allSatisfy { $0 == 0 })
    try optimiser.update(
      parameters, gradient: Self.padded(Self.numbers(64, 7)), step: 2, learningRate: 0.1, scale: 1, threads: 1
    )
    #expect((0..<40).allSatisfy { parameters.pointer[$0] != 0 })
    #expect((48..<64).allSatisfy { parameters.pointer[$0] != 0 })
    #expect(optimiser.moments.average.array != parameters.array)
  }

  @Test func threadsDoNotChangeABit() throws {
    let count = 300_000 / 16 * 16
    let tensors = [
      TensorPlace(offset: 0, count: 160_000, isMatrix: true),
      TensorPlace(offset: 160_000, count: count - 160_000, isMatrix: true),
    ]
    let results = try [1, 2, 3].map { threads in
      let parameters = Self.numbers(count, 1)
      let optimiser = LAMB(
        parameters, tensors: tensors, betas: (0.9, 0.95), decay: 0.01, averageDecay: 0.9)
      for step in 1...3 {
        try optimiser.update(
          parameters, gradient: Self.numbers(count, UInt64(20 + step)), step: step, learningRate: 0.01,
          scale: 1, threads: threads)
      }
      return parameters.array + optimiser.moments.average.array
    }
    #expect(results[0] == results[1])
    #expect(results[0] == results[2])
  }
}
