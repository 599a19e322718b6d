import DatasyncRPC
import DatasyncServer

/// What a server takes beside what it may take, out of its metrics. A value.
struct LimitUse {
  private struct Account {
    var bytes: Int?
    var maxBytes = 0
    var limits = ""
  }

  private var accounts: [String: Account] = [:]
  /// As the server has them.
  private var names: [String] = []
  private var struck: [(limit: String, count: Int)] = []
  private var residentBytes: Int?

  /// - Parameter text: In Prometheus' format.
  /// - Throws: ``ServerError`` where nothing is said of memory.
  init(metrics text: String) throws {
    for line in text.split(separator: "\n") where !line.hasPrefix("#") {
      take(MetricSample(line))
    }
    guard !accounts.isEmpty else {
      throw ServerError("these metrics say nothing of memory: are they a datasync server's?")
    }
  }

  private mutating func take(_ sample: MetricSample?) {
    guard let sample else { return }
    let value = sample.value.isFinite ? Int(max(0, min(sample.value, 9e18))) : 0
    switch (sample.name, sample.labels["account"], sample.labels["limit"]) {
    case ("datasync_memory_limit_bytes", let account?, _):
      names.append(account)
      accounts[account, default: Account()].maxBytes = value
      accounts[account]?.limits = sample.labels["limits"] ?? ""
    case ("datasync_memory_bytes", let account?, _):
      accounts[account, default: Account()].bytes = value
    case ("datasync_limit_reached_total", _, let limit?):
      struck.append((limit, value))
    case ("process_resident_memory_bytes", _, _):
      residentBytes = value
    default: break
    }
  }

  /// For people: a line for each account, their sum, the process, and the limits that have struck.
  var text: String {
    var rows = [["memory", "in use", "at most", "by"]]
    var (used, most) = (0, 0)
    for name in names {
      guard let account = accounts[name] else { continue }
      rows.append(
        [
          name, account.bytes.map { LimitUse.size($0) } ?? "-", LimitUse.size(account.maxBytes),
          account.limits,
        ])
      used += account.bytes ?? 0
      let (sum, overflow) = most.addingReportingOverflow(account.maxBytes)
      most = overflow ? .max : sum
    }
    rows.append(["all", LimitUse.size(used), LimitUse.size(most), ""])
    if let residentBytes { rows.append(["the process", LimitUse.size(residentBytes), "", ""]) }
    guard !struck.isEmpty else { return LimitUse.table(rows) + "\nno limit has struck\n" }
    let limits = struck.sorted { $0.limit < $1.limit }.map { [$0.limit, "\($0.count)"] }
    return LimitUse.table(rows) + "\n"
      + LimitUse.table([["limit that has struck", "times"]] + limits)
  }

  private static func table(_ rows: [[String]]) -> String {
    let widths = (0..<(rows.first?.count ?? 0)).map { column in
      rows.map { $0[column].count }.max() ?? 0
    }
    return rows.map { row in
      let line = zip(row, widths).map { $0 + String(repeating: " ", count: $1 - $0.count) }
        .joined(separator: "  ")
      let end = line.lastIndex { $0 != " " }.map { line.index(after: $0) } ?? line.startIndex
      return line[..<end] + "\n"
    }.joined()
  }

  /// `12.3 MiB`.
  private static func size(_ bytes: Int) -> String {
    let units = ["KiB", "MiB", "GiB", "TiB"]
    guard bytes >= 1024 else { return "\(bytes)" }
    var (value, unit) = (Double(bytes) / 1024, 0)
    while value >= 1024, unit + 1 < units.count {
      value /= 1024
      unit += 1
    }
    let tenths = Int((value * 10).rounded())
    return "\(tenths / 10).\(tenths % 10) \(units[unit])"
  }
}
