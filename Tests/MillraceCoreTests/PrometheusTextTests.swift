import MillraceCore
import Testing

@Suite struct PrometheusTextTests {
    @Test func countersAndGauges() {
        let families = [
            MetricFamily(
                "millrace.records.read", .counter, "Records processed.",
                [MetricSample([.init("task", "0_0")], 3), MetricSample([.init("task", "0_1")], 12_345_678_901)]),
            MetricFamily("temperature", .gauge, "How warm it is.", [MetricSample([], .number(-2.5))]),
            MetricFamily("without.values", .gauge, "Nothing."),
        ]
        #expect(
            families.prometheusText == """
                # HELP millrace_records_read_total Records processed.
                # TYPE millrace_records_read_total counter
                millrace_records_read_total{task="0_0"} 3
                millrace_records_read_total{task="0_1"} 12345678901
                # HELP temperature How warm it is.
                # TYPE temperature gauge
                temperature -2.5

                """)
    }

    @Test func whatHasAMeaningIsEscaped() {
        let family = MetricFamily(
            "x", .gauge, "A \\ and a\nbreak, \"quoted\".", [MetricSample([.init("a", "C:\\dir \"q\"\nend"), .init("b", "ü{},=")], 1)])
        #expect(
            [family].prometheusText == """
                # HELP x A \\\\ and a\\nbreak, "quoted".
                # TYPE x gauge
                x{a="C:\\\\dir \\"q\\"\\nend",b="ü{},="} 1

                """)
    }

    @Test func namesAreThoseThatPrometheusAllows() {
        #expect(MetricFamily("9 lives.é", .counter, "").prometheusName == "_9_lives____total")
        #expect(MetricFamily("a.b-c", .gauge, "").prometheusName == "a_b_c")
    }

    @Test func numbersThatAreNone() {
        let samples = [Double.infinity, -.infinity, .nan, 1e300, 0.1].map { MetricSample([], .number($0)) }
        let lines = [MetricFamily("x", .gauge, "", samples)].prometheusText.split(separator: "\n").dropFirst(2)
        #expect(lines == ["x +Inf", "x -Inf", "x NaN", "x 1e+300", "x 0.1"])
    }

    @Test func histogramsCountUpwards() {
        var histogram = MetricHistogram(.milliseconds)
        for value: Int64 in [1, 3, 1000, 2_000_000_000] { histogram.add(value) }
        let text = [MetricFamily("late.seconds", .histogram, "", [MetricSample([.init("task", "0_0")], .histogram(histogram))])]
            .prometheusText
        let lines = text.split(separator: "\n")
        #expect(lines[1] == "# TYPE late_seconds histogram")
        #expect(lines[2] == "late_seconds_bucket{task=\"0_0\",le=\"0.001\"} 1")
        #expect(lines[3] == "late_seconds_bucket{task=\"0_0\",le=\"0.004\"} 2")
        #expect(lines.contains("late_seconds_bucket{task=\"0_0\",le=\"1.024\"} 3"))
        #expect(
            lines.suffix(3) == [
                "late_seconds_bucket{task=\"0_0\",le=\"+Inf\"} 4", "late_seconds_sum{task=\"0_0\"} 2000001.004",
                "late_seconds_count{task=\"0_0\"} 4",
            ])
    }

    @Test func summariesHaveASumAndACount() {
        let family = MetricFamily("x.seconds", .summary, "", [MetricSample([.init("task", "0_0")], .summary(count: 4, sum: 0.25))])
        #expect(
            [family].prometheusText.hasSuffix(
                "# TYPE x_seconds summary\nx_seconds_sum{task=\"0_0\"} 0.25\nx_seconds_count{task=\"0_0\"} 4\n"))
    }
}
