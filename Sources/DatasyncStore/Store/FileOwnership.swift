#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// Who may read and write a file, for one that we make from it: nobody gets at a copy who does not get
/// at the original. A value.
struct FileOwnership {
  private let mode: mode_t
  private let user: uid_t
  private let group: gid_t

  init(of status: stat) {
    mode = status.st_mode & 0o777
    user = status.st_uid
    group = status.st_gid
  }

  /// nil where there is no such file.
  init?(of path: String) {
    var status = stat()
    guard stat(path, &status) == 0 else { return nil }
    self.init(of: status)
  }

  /// The owner as far as this process may give files away; the mode in any case.
  func give(to descriptor: Int32) {
    var status = stat()
    guard fstat(descriptor, &status) == 0 else { return }
    if status.st_uid != user || status.st_gid != group {
      // One after the other: the group may be ours to give where the user is not.
      if fchown(descriptor, user, group) != 0 { _ = fchown(descriptor, uid_t.max, group) }
    }
    if status.st_mode & 0o777 != mode { _ = fchmod(descriptor, mode) }
  }
}
