/// Memory for kernels: 64-byte aligned, zeroed, freed with its owner.
///
/// Not synchronised: one thread writes at a time, which the owners of workspaces see to.
public final class AlignedBuffer<Element: BitwiseCopyable>: @unchecked Sendable {
  /// The first element.
  public let pointer: UnsafeMutablePointer<Element>
  /// Number of elements.
  public let count: Int

  /// `count` zeroed elements (all bits 0).
  public init(_ count: Int) {
    self.count = count
    let bytes = max(count, 1) * MemoryLayout<Element>.stride
    let raw = UnsafeMutableRawPointer.allocate(byteCount: bytes, alignment: 64)
    raw.initializeMemory(as: UInt8.self, repeating: 0, count: bytes)
    pointer = raw.bindMemory(to: Element.self, capacity: max(count, 1))
  }

  /// A copy of `values`.
  public convenience init(_ values: [Element]) {
    self.init(values.count)
    values.withUnsafeBufferPointer { source in
      if let base = source.baseAddress { pointer.update(from: base, count: source.count) }
    }
  }

  deinit { UnsafeMutableRawPointer(pointer).deallocate() }

  /// The contents as an array.
  public var array: [Element] { Array(UnsafeBufferPointer(start: pointer, count: count)) }
}
