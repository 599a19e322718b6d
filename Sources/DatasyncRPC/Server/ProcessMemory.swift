#if canImport(Glibc)
  import Glibc
#endif

/// How the process treats memory that it gives up. Namespace.
enum ProcessMemory {
  /// Larger blocks are mapped, and unmapped when they are freed. The buffers of a flush are smaller.
  static let mappedBytes = 512 << 10

  /// Lets freed memory go back to the system; takes effect once for the process. False: the C library
  /// is another one, and does as it likes.
  ///
  /// glibc raises its threshold with every large block that is freed, up to 32 MiB, and then keeps in
  /// its heaps what a slow client once made the server hold.
  static let givesBack: Bool = {
    #if canImport(Glibc)
      // Not in the module that Swift makes of glibc. Source: malloc.h.
      typealias Mallopt = @convention(c) (CInt, CInt) -> CInt
      let (trimThreshold, mmapThreshold): (CInt, CInt) = (-1, -3)
      guard let symbol = dlsym(nil, "mallopt") else { return false }
      let mallopt = unsafeBitCast(symbol, to: Mallopt.self)
      let isMapped = mallopt(mmapThreshold, CInt(mappedBytes)) == 1
      return mallopt(trimThreshold, CInt(mappedBytes)) == 1 && isMapped
    #else
      return true
    #endif
  }()
}
