/// Memory for kernels: 64-byte aligned, zeroed, freed with its owner.
///
/// Not synchronised: one thread writes at a time, which the owners of workspaces see to.
public final class AlignedBuffer<Element: BitwiseCopyable>: @unchecked Sendable {
  /// The first element.
  public let pointer: UnsafeMutablePointer<Element>
  /// Number of elements.
  public let count: Int
  /// Who holds the memory where this object does not.
  private let owner: AnyObject?

  /// Numbers that lie in a mapped file, from byte `offset` on, a multiple of 64.
  public init(_ file: MappedFile, offset: Int, count: Int) {
    precondition(offset % 64 == 0 && offset + count * MemoryLayout<Element>.stride <= file.count)
    owner = file
    self.count = count
    pointer = (file.start + offset).bindMemory(to: Element.self, capacity: max(count, 1))
  }

  /// `count` zeroed elements (all bits 0).
  public init(_ count: Int) {
    self.count = count
    owner = nil
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

  deinit { if owner == nil { UnsafeMutableRawPointer(pointer).deallocate() } }

  /// The contents as an array.
  public var array: [Element] { Array(UnsafeBufferPointer(start: pointer, count: count)) }
}
