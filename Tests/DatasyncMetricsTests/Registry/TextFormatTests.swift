import CoreMetrics
import Testing

@testable import DatasyncMetrics

/// What Prometheus reads.
@Suite struct TextFormatTests {
  private func lines(_ registry: MetricRegistry, of name: String) -> [String] {
    registry.text().split(separator: "\n").map(String.init).filter { $0.contains(name) }
  }

  @Test func `a counter has help, a type and its value, with labels in order and escaped`() {
    let registry = MetricRegistry([
      MetricDescription("a_total", .counter, "What is \\counted\nhere.")
    ])
    registry.makeCounter(label: "a_total", dimensions: [("z", "1"), ("b", "x\"y\\z\n")])
      .increment(by: 3)
    registry.makeFloatingPointCounter(label: "a_total", dimensions: []).increment(by: 0.5)
    #expect(
      lines(registry, of: "a_total") == [
        #"# HELP a_total What is \\counted\nhere."#, "# TYPE a_total counter", "a_total 0.5",
        #"a_total{b="x\"y\\z\n",z="1"} 3"#,
      ])
    #expect(registry.text().hasSuffix("\n"))
  }

  @Test func `the same labels are one series, whoever asks and in whatever order`() {
    let registry = MetricRegistry()
    registry.makeCounter(label: "a", dimensions: [("x", "1"), ("y", "2")]).increment(by: 1)
    registry.makeCounter(label: "a", dimensions: [("y", "2"), ("x", "1")]).increment(by: 1)
    #expect(lines(registry, of: "a{") == [#"a{x="1",y="2"} 2"#])
  }

  @Test func `a histogram's buckets add up, in seconds`() {
    let registry = MetricRegistry([
      MetricDescription("d_seconds", .histogram([0.001, 0.5]), "Durations.")
    ])
    let timer = registry.makeTimer(label: "d_seconds", dimensions: [("m", "get")])
    for nanoseconds: Int64 in [1_000_000, 1_000_001, 400_000_000, 2_000_000_000, -5] {
      timer.recordNanoseconds(nanoseconds)
    }
    #expect(
      lines(registry, of: "d_seconds") == [
        "# HELP d_seconds Durations.", "# TYPE d_seconds histogram",
        #"d_seconds_bucket{m="get",le="0.001"} 2"#, #"d_seconds_bucket{m="get",le="0.5"} 4"#,
        #"d_seconds_bucket{m="get",le="+Inf"} 5"#, #"d_seconds_sum{m="get"} 2.402000001"#,
        #"d_seconds_count{m="get"} 5"#,
      ])
  }

  @Test func `a histogram without a value has no lines, and a gauge says what was set last`() {
    let registry = MetricRegistry()
    _ = registry.makeTimer(label: "t_seconds", dimensions: [])
    #expect(lines(registry, of: "t_seconds_").isEmpty)
    let gauge = registry.makeMeter(label: "g", dimensions: [])
    gauge.set(5 as Int64)
    gauge.increment(by: 2)
    gauge.decrement(by: 10)
    #expect(lines(registry, of: "g ").last == "g -3")
    registry.makeRecorder(label: "r", dimensions: [], aggregate: false).record(Double.infinity)
    #expect(lines(registry, of: "r ").last == "r +Inf")
  }

  @Test func `label sets are bounded, and what comes then is counted together`() {
    let registry = MetricRegistry(maxSeries: 3)
    for number in 0..<10 {
      registry.makeCounter(label: "a_total", dimensions: [("n", "\(number)")]).increment(by: 1)
    }
    let found = lines(registry, of: "a_total{")
    #expect(found.count == 4)
    #expect(found.contains(#"a_total{n="_other_"} 7"#))
    #expect(
      lines(registry, of: "datasync_metric_series_dropped_total ").last?.hasSuffix(" 7") == true)
  }

  @Test func `names that Prometheus does not take are spelled otherwise`() {
    let registry = MetricRegistry()
    registry.makeCounter(label: "1 a.b-c", dimensions: [("d:e", "f")]).increment(by: 1)
    #expect(lines(registry, of: "a_b_c{") == [#"__a_b_c{d_e="f"} 1"#])
  }

  @Test func `a collector sets its values before they are written`() {
    let registry = MetricRegistry()
    let gauge = registry.makeMeter(label: "seen", dimensions: [])
    registry.collect { gauge.set(42 as Int64) }
    #expect(lines(registry, of: "seen ").last == "seen 42")
  }

  @Test func `the process tells of itself`() throws {
    let registry = MetricRegistry(ProcessMetrics.descriptions)
    ProcessMetrics.install(in: registry)
    func value(_ name: String) throws -> Double {
      let line = try #require(lines(registry, of: "\(name) ").last)
      return try #require(Double(line.split(separator: " ")[1]))
    }
    #expect(try value("process_open_fds") >= 3)
    let most = try value("process_max_fds")
    #expect(try value("process_open_fds") <= most)
    #expect(try value("process_resident_memory_bytes") > 1_000_000)
    #expect(try value("process_cpu_seconds_total") > 0)
    #expect(try value("process_start_time_seconds") > 1_700_000_000)
  }

  @Test func `many threads count every one`() async {
    let registry = MetricRegistry()
    let counter = registry.makeCounter(label: "c", dimensions: [])
    let timer = registry.makeTimer(label: "t", dimensions: [])
    let gauge = registry.makeMeter(label: "g", dimensions: [])
    await withTaskGroup(of: Void.self) { tasks in
      for _ in 0..<8 {
        tasks.addTask {
          for _ in 0..<1000 {
            counter.increment(by: 1)
            timer.recordNanoseconds(1000)
            gauge.increment(by: 1)
          }
        }
      }
    }
    #expect(lines(registry, of: "c ").last == "c 8000")
    #expect(lines(registry, of: "t_count").last == "t_count 8000")
    #expect(lines(registry, of: "g ").last == "g 8000")
  }
}
