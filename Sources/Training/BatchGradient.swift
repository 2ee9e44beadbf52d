import Basics
import Fields
import Kernels
import Operators
import Sphere

/// Loss and gradient of one batch, samples side by side.
///
/// Samples are dealt to a fixed number of lanes, each with its own gradient, and lanes are summed in order;
/// the spectral weights' gradient is computed for all lanes at once, degree by degree, samples in order. The
/// bits of neither depend on the number of threads.
///
/// Activations belong to a thread, which writes those of one sample over those of the last: with two threads that
/// takes half the memory that a workspace for every lane would.
public final class BatchGradient: @unchecked Sendable {
  /// Lanes: the most samples that are computed at once.
  public static let laneCount = 4

  /// What a sample leaves behind.
  private final class Lane {
    /// One a step.
    let records: [SpectralRecord]
    let gradient: AlignedBuffer<Float>

    init(_ network: SFNO, steps: Int) {
      records = (0..<steps).map { _ in network.makeRecord() }
      gradient = AlignedBuffer(network.layout.count)
    }
  }

  /// What one thread works with.
  private final class Desk {
    let workspaces: [SFNOWorkspace]
    let inputs: [AlignedBuffer<Float>]
    let outputs: [AlignedBuffer<Float>]
    let outputGradients: [AlignedBuffer<Float>]
    let inputGradient: AlignedBuffer<Float>
    let lossSpace: SpectralError.Workspace?
    let spectrum: AlignedBuffer<Float>
    let truncationSpace: TransformWorkspace<Float>?

    /// - Parameter records: any that fit, one a step.
    init(
      _ network: SFNO, _ loss: TendencyLoss, records: [SpectralRecord],
      truncation: SphericalTransform<Float>?
    ) {
      let steps = records.count
      lossSpace = loss.spectral?.makeWorkspace()
      let fields = network.configuration.out_chans
      spectrum = AlignedBuffer(truncation?.coefficientCount(fields) ?? 0)
      truncationSpace = truncation?.makeWorkspace(fields)
      let points = network.grid.pointCount
      let (inputs, outputs) = (
        network.configuration.inp_chans * points, network.configuration.out_chans * points
      )
      workspaces = records.map { network.makeWorkspace(recording: $0) }
      self.inputs = (0..<steps).map { _ in AlignedBuffer(inputs) }
      self.outputs = (0..<steps).map { _ in AlignedBuffer(outputs) }
      outputGradients = (0..<steps).map { _ in AlignedBuffer(outputs) }
      inputGradient = AlignedBuffer(steps > 1 ? inputs : 0)
    }
  }

  /// The gradient of the mean loss of the last batch, flat.
  public var gradient: AlignedBuffer<Float> { lanes[0].gradient }
  private let network: SFNO
  private let features: FeatureFields
  private let loss: TendencyLoss
  private let steps: Int
  private let truncation: SphericalTransform<Float>?
  private let precision: ProductPrecision
  private let lanes: [Lane]
  /// As many as threads have been at work.
  private var desks: [Desk] = []
  /// Where lanes have gradients of their own: everywhere but in the spectral weights.
  private let laneRanges: [Range<Int>]
  private var weights: SFNOWeights?

  /// Room for batches of samples of `steps` network steps.
  /// - Parameters:
  ///   - truncation: to the degrees that forecasts keep: rollouts are then truncated after every step as
  ///     forecasts are; nil to leave outputs as they are.
  ///   - precision: of the 1x1 convolutions' products.
  ///   - batchSize: the largest batch, for which there is room.
  public init(
    network: SFNO, features: FeatureFields, loss: TendencyLoss, steps: Int,
    truncation: SphericalTransform<Float>? = nil, precision: ProductPrecision = .highest,
    batchSize: Int = BatchGradient.laneCount
  ) {
    self.network = network
    self.features = features
    self.loss = loss
    self.steps = steps
    self.truncation = truncation
    self.precision = precision
    lanes = (0..<min(batchSize, BatchGradient.laneCount)).map { _ in
      Lane(network, steps: steps)
    }
    laneRanges = network.layout.segments.filter { !$0.isSpectral }.map { $0.offset..<$0.offset + $0.count }
  }

  /// Computes the mean loss over the samples and its gradient.
  /// - Returns: the loss, averaged over samples and steps.
  public func compute(
    _ parameters: AlignedBuffer<Float>, _ set: TrainingSet, samples: [Int], threads: Int
  ) throws -> Double {
    let losses = AlignedBuffer<Double>(samples.count)
    let weights = refreshed(parameters, threads: threads)
    let factor = 1 / Double(samples.count * steps)
    while desks.count < max(1, min(threads, lanes.count)) {
      desks.append(Desk(network, loss, records: lanes[0].records, truncation: truncation))
    }
    for first in stride(from: 0, to: samples.count, by: lanes.count) {
      let round = min(lanes.count, samples.count - first)
      try Parallel.forEach(round, threads: threads) { number, thread in
        let lane = self.lanes[number]
        if first == 0 { self.clear(lane.gradient) }
        losses.pointer[first + number] = self.sample(
          weights, set, samples[first + number], factor: factor, lane, self.desks[thread])
      }
      network.addFilterGradients(
        lanes[..<round].flatMap(\.records), to: gradient.pointer, accumulate: first > 0, threads: threads)
    }
    sumLanes(min(lanes.count, samples.count), threads: threads)
    return (0..<samples.count).reduce(0) { $0 + losses.pointer[$1] } * factor
  }

  private func sample(
    _ weights: SFNOWeights, _ set: TrainingSet, _ sample: Int, factor: Double, _ lane: Lane,
    _ desk: Desk
  ) -> Double {
    let state = set.channels * set.points
    var total = 0.0
    // The state that a step starts from: the sample's first, then what the step before has left.
    var before = set.state(sample, step: 0)
    for step in 0..<steps {
      desk.workspaces[step].record = lane.records[step]
      let input = desk.inputs[step].pointer
      input.update(from: before, count: state)
      features.fill(input + state, at: set.time(sample, step: step))
      network.forward(
        weights, input: input, output: desk.outputs[step].pointer, desk.workspaces[step])
      truncate(desk.outputs[step].pointer, desk)
      before = UnsafePointer(desk.outputs[step].pointer)
      total += loss.evaluate(
        desk.outputs[step].pointer, set.state(sample, step: step + 1), factor: factor,
        gradient: desk.outputGradients[step].pointer, desk.lossSpace)
    }
    for step in (0..<steps).reversed() {
      let dy = desk.outputGradients[step].pointer
      if step + 1 < steps {
        // What later steps say of this step's output, which was their input.
        for i in 0..<state { dy[i] += desk.inputGradient.pointer[i] }
      }
      truncateAdjoint(dy, desk)
      network.adjoint(
        weights, input: desk.inputs[step].pointer, outputGradient: dy,
        gradient: lane.gradient.pointer, inputGradient: step > 0 ? desk.inputGradient.pointer : nil,
        filters: false, desk.workspaces[step])
    }
    return total
  }

  /// y = S F y, with F and S the transform and its inverse.
  private func truncate(_ fields: UnsafeMutablePointer<Float>, _ desk: Desk) {
    guard let truncation, let space = desk.truncationSpace else { return }
    let count = network.configuration.out_chans
    truncation.forward(fields, count: count, into: desk.spectrum.pointer, space)
    truncation.inverse(desk.spectrum.pointer, count: count, into: fields, space)
  }

  /// dy = F^T S^T dy.
  private func truncateAdjoint(_ gradient: UnsafeMutablePointer<Float>, _ desk: Desk) {
    guard let truncation, let space = desk.truncationSpace else { return }
    let count = network.configuration.out_chans
    truncation.inverseAdjoint(gradient, count: count, into: desk.spectrum.pointer, space)
    truncation.forwardAdjoint(desk.spectrum.pointer, count: count, into: gradient, space)
  }

  /// The weights in the order that products want; their copies follow every update.
  private func refreshed(_ parameters: AlignedBuffer<Float>, threads: Int) -> SFNOWeights {
    if let weights, weights.flat == UnsafePointer(parameters.pointer) {
      weights.refresh(threads: threads)
      return weights
    }
    let made = SFNOWeights(network, parameters, adjoint: true, precision: precision, threads: threads)
    weights = made
    return made
  }

  /// Zeros all but the spectral weights' gradient, which is written over.
  private func clear(_ gradient: AlignedBuffer<Float>) {
    for range in laneRanges { (gradient.pointer + range.lowerBound).update(repeating: 0, count: range.count) }
  }

  private func sumLanes(_ count: Int, threads: Int) {
    Team(threads: threads).each(laneRanges.count) { index, _ in
      let range = self.laneRanges[index]
      for lane in self.lanes[..<count].dropFirst() {
        ChannelPasses.add(
          lane.gradient.pointer + range.lowerBound, range.count, to: self.gradient.pointer + range.lowerBound)
      }
    }
  }

  /// L2 norm of the gradient, summed block by block in order.
  public func norm(threads: Int = 1) -> Double {
    SquareSum.of(gradient.pointer, network.layout.count, threads: threads).squareRoot()
  }
}
