#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

import CoreMetrics

/// What Prometheus' own libraries tell of every process, where the system has /proc.
///
/// Source: prometheus.io/docs/instrumenting/writing_clientlibs, "Process metrics".
package enum ProcessMetrics {
  /// For the registry that ``install(in:)`` will get.
  package static let descriptions = [
    MetricDescription(
      "process_cpu_seconds_total", .counter, "User and system time of the process, in seconds."),
    MetricDescription("process_open_fds", .gauge, "Open file descriptors."),
    MetricDescription("process_max_fds", .gauge, "The most that may be open."),
    MetricDescription("process_resident_memory_bytes", .gauge, "Resident memory, in bytes."),
    MetricDescription(
      "process_start_time_seconds", .gauge, "When the process began, in seconds since 1970."),
  ]

  /// Has a registry tell them.
  package static func install(in registry: MetricRegistry) {
    func gauge(_ name: String) -> any MeterHandler {
      registry.makeMeter(label: name, dimensions: [])
    }
    let cpu = registry.counter("process_cpu_seconds_total")
    let open = gauge("process_open_fds")
    let most = gauge("process_max_fds")
    let memory = gauge("process_resident_memory_bytes")
    gauge("process_start_time_seconds").set(now)
    registry.collect {
      cpu.set(total: cpuSeconds)
      open.set(Int64(openFiles))
      most.set(mostFiles)
      memory.set(Int64(residentBytes))
    }
  }

  private static var now: Double {
    var time = timespec()
    clock_gettime(CLOCK_REALTIME, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
  }

  private static var cpuSeconds: Double {
    var time = timespec()
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
  }

  private static var openFiles: Int {
    guard let folder = opendir("/proc/self/fd") else { return 0 }
    defer { closedir(folder) }
    var count = 0
    while readdir(folder) != nil { count += 1 }
    // Neither `.` nor `..` nor what is open for the look.
    return max(0, count - 3)
  }

  private static var mostFiles: Double {
    #if canImport(Glibc)
      let resource = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
    #else
      let resource = RLIMIT_NOFILE
    #endif
    var limit = rlimit()
    return getrlimit(resource, &limit) == 0 ? Double(limit.rlim_cur) : 0
  }

  private static var residentBytes: Int {
    guard let file = fopen("/proc/self/statm", "r") else { return 0 }
    defer { fclose(file) }
    var line = [CChar](repeating: 0, count: 256)
    guard fgets(&line, Int32(line.count), file) != nil else { return 0 }
    let text = String(
      decoding: line.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    let fields = text.split(separator: " ")
    guard fields.count > 1, let pages = Int(fields[1]) else { return 0 }
    return pages * Int(sysconf(Int32(_SC_PAGESIZE)))
  }
}
