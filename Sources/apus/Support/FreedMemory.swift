import Foundation

/// How the C library keeps memory that was freed.
enum FreedMemory {
  /// Gives large blocks back to the system at once. By default glibc raises the size from which it does so with every
  /// large block that is freed, up to 32 MiB, and a program that frees blocks of many sizes grows for hours: a
  /// verification of many lead times by 5 MB each. Where the C library has no such setting, nothing happens.
  static func goesBack() {
    // malloc.h is in no module that Swift knows.
    guard let address = dlsym(nil, "mallopt") else { return }
    let mallopt = unsafeBitCast(address, to: (@convention(c) (Int32, Int32) -> Int32).self)
    let (trimThreshold, mapThreshold): (Int32, Int32) = (-1, -3)
    _ = mallopt(mapThreshold, 1 << 20)
    _ = mallopt(trimThreshold, 1 << 20)
  }
}
