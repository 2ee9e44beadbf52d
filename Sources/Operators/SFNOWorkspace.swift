import Basics
import Sphere

/// Scratch of one thread and, when recording, one sample's activations for the adjoint.
///
/// Without recording two fields serve all blocks in turn; with recording each block keeps its input,
/// spectrum, filtered field, hidden layer (before its activation) and MLP output; activations themselves
/// are computed again, which is cheaper than reading them back.
public final class SFNOWorkspace: @unchecked Sendable {
  let transformWorkspace: TransformWorkspace<Float>
  let filtered: AlignedBuffer<Float>
  let narrow: AlignedBuffer<Float>
  let wide: AlignedBuffer<Float>
  let wideBefore: AlignedBuffer<Float>
  let encoderHidden: AlignedBuffer<Float>?
  let decoderHidden: AlignedBuffer<Float>?
  /// Gradients on their way back; empty unless recording.
  let gradients: [AlignedBuffer<Float>]
  let spectralGradient: AlignedBuffer<Float>
  private let fields: [AlignedBuffer<Float>]
  private let residuals: [AlignedBuffer<Float>]
  private let spectra: [AlignedBuffer<Float>]
  private let filteredFields: [AlignedBuffer<Float>]
  private let mixedFields: [AlignedBuffer<Float>]
  private let hiddenFields: [AlignedBuffer<Float>]
  private let lineBuffer: AlignedBuffer<Float>
  private let channels: Int

  init(_ network: SFNO, recording: Bool) {
    let c = network.configuration
    let e = c.embed_dim
    let blocks = network.blocks.count
    let points = network.grid.pointCount
    func outputPoints(_ block: Int) -> Int { network.transforms(block).1.grid.pointCount }
    func field(_ points: Int) -> AlignedBuffer<Float> { AlignedBuffer(e * points) }
    channels = e
    transformWorkspace = network.outer.makeWorkspace(e)
    let spectrumSize = network.outer.coefficientCount(e)
    filtered = AlignedBuffer(spectrumSize)
    let wideChannels = max(c.hidden, e)
    narrow = AlignedBuffer(max(e, c.out_chans) * network.tile)
    wide = AlignedBuffer(wideChannels * network.tile)
    wideBefore = AlignedBuffer(wideChannels * network.tile)
    encoderHidden = recording ? field(points) : nil
    decoderHidden = recording ? field(points) : nil
    if recording {
      fields = [field(points)] + (0..<blocks).map { field(outputPoints($0)) }
      residuals = (0..<blocks).map { network.transforms($0).2 ? field(outputPoints($0)) : AlignedBuffer(0) }
      spectra = (0..<blocks).map { _ in AlignedBuffer(spectrumSize) }
      filteredFields = (0..<blocks).map { field(outputPoints($0)) }
      mixedFields = (0..<blocks).map { field(outputPoints($0)) }
      hiddenFields = (0..<blocks).map { AlignedBuffer(c.hidden * outputPoints($0)) }
      gradients = (0..<4).map { _ in field(points) }
      spectralGradient = AlignedBuffer(spectrumSize)
    } else {
      fields = [field(points), field(points)]
      residuals = [network.resamples ? field(points) : AlignedBuffer(0)]
      spectra = [AlignedBuffer(spectrumSize)]
      filteredFields = [field(points)]
      mixedFields = [field(points)]
      hiddenFields = []
      gradients = []
      spectralGradient = AlignedBuffer(0)
    }
    lineBuffer = AlignedBuffer(4 * e * 2 * blocks)
  }

  func blockInput(_ i: Int) -> UnsafeMutablePointer<Float> {
    fields[hiddenFields.isEmpty ? i % 2 : i].pointer
  }
  func residual(_ i: Int) -> UnsafeMutablePointer<Float> { residuals[hiddenFields.isEmpty ? 0 : i].pointer }
  func spectrum(_ i: Int) -> UnsafeMutablePointer<Float> { spectra[hiddenFields.isEmpty ? 0 : i].pointer }
  func filteredField(_ i: Int) -> UnsafeMutablePointer<Float> {
    filteredFields[hiddenFields.isEmpty ? 0 : i].pointer
  }
  func mixed(_ i: Int) -> UnsafeMutablePointer<Float> { mixedFields[hiddenFields.isEmpty ? 0 : i].pointer }
  func hidden(_ i: Int) -> UnsafeMutablePointer<Float>? {
    hiddenFields.isEmpty ? nil : hiddenFields[i].pointer
  }
  /// Scale, shift, mean and 1/deviation of a norm, [4][channel]; norm 2 i is block i's norm0.
  func lines(_ norm: Int) -> UnsafeMutablePointer<Float> { lineBuffer.pointer + norm * 4 * channels }
}
