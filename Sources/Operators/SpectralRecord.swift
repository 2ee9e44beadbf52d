import Basics
import Sphere

/// What the gradient of the spectral weights needs of one forward step: every block's spectrum, and the loss by
/// its filtered spectrum.
///
/// It is smaller than the activations and outlives them: the workspace that has filled one may carry the next
/// sample, while the records of a batch wait for `SFNO.addFilterGradients`.
public final class SpectralRecord: Sendable {
  /// [block], each as `ChannelTransform` lays coefficients out.
  let spectra, filteredGradients: [AlignedBuffer<Float>]

  init(_ network: SFNO) {
    func make() -> [AlignedBuffer<Float>] {
      network.blocks.map { _ in AlignedBuffer(network.inner.spectrumCount) }
    }
    spectra = make()
    filteredGradients = make()
  }
}
