import Basics
import Kernels
import Sphere

/// Scratch of one sample for a team of threads and, when recording, the sample's activations for the adjoint.
///
/// Without recording two fields serve all blocks in turn, each stage writing over what the next no longer
/// needs; with recording each block keeps its input, filtered field, hidden layer (before its bias and
/// activation) and MLP output, and its spectrum in a record; activations themselves are computed again, which is
/// cheaper than reading them back.
public final class SFNOWorkspace: @unchecked Sendable {
  let transform: ChannelTransformWorkspace
  let isRecording: Bool
  /// Where the spectra of the sample go; another one before another sample where this one is to be kept.
  public var record: SpectralRecord?
  var team: Team { transform.team }
  let filtered: AlignedBuffer<Float>
  let spectralGradient: AlignedBuffer<Float>
  let encoderHidden: AlignedBuffer<Float>
  let decoderHidden: AlignedBuffer<Float>
  /// Gradients on their way back; empty unless recording.
  let gradients: [AlignedBuffer<Float>]
  /// Weight gradients of matrices whose rows are no whole vectors, see `SFNO.flush`.
  let gradientPads: AlignedBuffer<Float>
  /// Moments or sums of parts of a field, [part][2][channel].
  let parts: AlignedBuffer<Float>
  let tiles: [Tile]
  private let fields: [AlignedBuffer<Float>]
  private let residuals: [AlignedBuffer<Float>]
  /// Serves all blocks in turn; empty when recording.
  private let passingSpectrum: AlignedBuffer<Float>
  private let filteredFields: [AlignedBuffer<Float>]
  private let mixedFields: [AlignedBuffer<Float>]
  private let hiddenFields: [AlignedBuffer<Float>]
  private let lineBuffer: AlignedBuffer<Float>
  private let padded: Int

  /// A tile of points of one thread.
  struct Tile: Sendable {
    /// [point][embed], twice.
    let narrow, slope: AlignedBuffer<Float>
    /// [point][hidden], twice.
    let wide, wideBefore: AlignedBuffer<Float>
    /// [point][inputs] and [point][outputs].
    let input, output: AlignedBuffer<Float>

    init(_ n: SFNO) {
      narrow = AlignedBuffer(n.embed * n.tile)
      slope = AlignedBuffer(n.embed * n.tile)
      wide = AlignedBuffer(max(n.hidden, n.embed) * n.tile)
      wideBefore = AlignedBuffer(max(n.hidden, n.embed) * n.tile)
      input = AlignedBuffer(n.inputs * n.tile)
      output = AlignedBuffer(n.outputs * n.tile)
    }
  }

  init(_ network: SFNO, record: SpectralRecord?, threads: Int) {
    let recording = record != nil
    self.record = record
    let blocks = network.blocks.count
    let points = network.grid.pointCount
    let e = network.embed
    func outputPoints(_ block: Int) -> Int { network.transforms(block).1.grid.pointCount }
    func field(_ points: Int) -> AlignedBuffer<Float> { AlignedBuffer(e * points) }
    let empty = AlignedBuffer<Float>(0)
    padded = e
    isRecording = recording
    transform = ChannelTransformWorkspace(for: [network.outer, network.inner], threads: threads)
    let spectrumSize = network.inner.spectrumCount
    filtered = AlignedBuffer(spectrumSize)
    tiles = (0..<threads).map { _ in Tile(network) }
    parts = AlignedBuffer(2 * e * max(network.grid.latitudeCount, (points + network.tile - 1) / network.tile))
    if recording {
      encoderHidden = field(points)
      decoderHidden = field(points)
      fields = [field(points)] + (0..<blocks).map { field(outputPoints($0)) }
      residuals = (0..<blocks).map { network.transforms($0).2 ? field(outputPoints($0)) : empty }
      passingSpectrum = empty
      filteredFields = (0..<blocks).map { field(outputPoints($0)) }
      mixedFields = (0..<blocks).map { field(outputPoints($0)) }
      hiddenFields = (0..<blocks).map { AlignedBuffer(network.hidden * outputPoints($0)) }
      gradients = (0..<3).map { _ in field(points) }
      spectralGradient = AlignedBuffer(spectrumSize)
      gradientPads = AlignedBuffer(network.gradientPadCount)
    } else {
      (encoderHidden, decoderHidden, spectralGradient, gradientPads) = (empty, empty, empty, empty)
      fields = [field(points), field(points)]
      passingSpectrum = AlignedBuffer(spectrumSize)
      (residuals, filteredFields, mixedFields, hiddenFields, gradients) = ([], [], [], [], [])
    }
    lineBuffer = AlignedBuffer(4 * e * 2 * blocks + 3 * e)
  }

  func blockInput(_ i: Int) -> UnsafeMutablePointer<Float> { fields[isRecording ? i : i % 2].pointer }
  /// What is resampled may write over the block's input: its spectrum is all that is needed by then.
  func residual(_ i: Int) -> UnsafeMutablePointer<Float> {
    isRecording ? residuals[i].pointer : fields[i % 2].pointer
  }
  func spectrum(_ i: Int) -> UnsafeMutablePointer<Float> {
    (record?.spectra[i] ?? passingSpectrum).pointer
  }
  func filteredField(_ i: Int) -> UnsafeMutablePointer<Float> {
    isRecording ? filteredFields[i].pointer : fields[(i + 1) % 2].pointer
  }
  func mixed(_ i: Int) -> UnsafeMutablePointer<Float> {
    isRecording ? mixedFields[i].pointer : fields[(i + 1) % 2].pointer
  }
  func hidden(_ i: Int) -> UnsafeMutablePointer<Float>? { isRecording ? hiddenFields[i].pointer : nil }
  /// Scale, shift, mean and 1/deviation of a norm, [4][channel]; norm 2 i is block i's norm0.
  func lines(_ norm: Int) -> UnsafeMutablePointer<Float> { lineBuffer.pointer + norm * 4 * padded }
  /// Lines a, b, c of a norm's adjoint, [3][channel].
  var adjointLines: UnsafeMutablePointer<Float> { lineBuffer.pointer + lineBuffer.count - 3 * padded }
}
