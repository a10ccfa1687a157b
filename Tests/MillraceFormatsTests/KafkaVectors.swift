/// Batches made by Kafka's own code, never edited by hand: `MemoryRecordsBuilder`, `MemoryRecords.withEndTransactionMarker` and `DefaultRecordBatch.writeEmptyHeader`
/// of kafka-clients 4.3.1, called once from a small Java program, printed as base64.
///
/// Record i of the ordinary ones has offset 100 + i, timestamp 1000 + 10 i, the key "key<i>" (none for i = 1), the value "value<i>-" and thirty "x" (none for i = 2), and
/// when i is odd the headers "name" = "h<i>" and "none" without a value.
enum KafkaVectors {
    static let batches: [String: String] = [
        "none": """
        AAAAAAAAAGQAAADkAAAABQLYx+tiAAAAAAADAAAAAAAAA+gAAAAAAAAEBv//////////////////AAAABF4AAAAIa2V5MEp2YWx1ZTAteHh4eH\
        h4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4AHIAFAIBSnZhbHVlMS14eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHgECG5hbWUEaDEIbm9u\
        ZQEUACgECGtleTIBAHoAPAYIa2V5M0p2YWx1ZTMteHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4BAhuYW1lBGgzCG5vbmUB
        """,
        "gzip": """
        AAAAAAAAAGQAAACLAAAABQKkCOpgAAEAAAADAAAAAAAAA+gAAAAAAAAEBv//////////////////AAAABB+LCAAAAAAAAP+LY2Bg4MhOrTTwKk\
        vMKU010K3ACxiKGESYGCFqDQmoZeHIS8xNZckw5MjLz0tlFGHQYAHZZMTIUMVgwwZiGkMMMibSIGOIQQDXCICTswAAAA==
        """,
        "snappy": """
        AAAAAAAAAGQAAACcAAAABQLHHREcAAIAAAADAAAAAAAAA+gAAAAAAAAEBv//////////////////AAAABIJTTkFQUFkAAAAAAQAAAAEAAABXsw\
        FEXgAAAAhrZXkwSnZhbHVlMC14cgEAFAByABQCAQksADF6LABIBAhuYW1lBGgxCG5vbmUBFAAoBAFqGDIBAHoAPAYBCwAzCUkAM5pJABgzCG5v\
        bmUB
        """,
        "lz4": """
        AAAAAAAAAGQAAACXAAAABQLKytFQAAMAAAADAAAAAAAAA+gAAAAAAAAEBv//////////////////AAAABAQiTRhgQIJXAAAA/wNeAAAACGtleT\
        BKdmFsdWUwLXgBAApiAHIAFAIBLAAfMSwADPAEBAhuYW1lBGgxCG5vbmUBFAAoBGoAcDIBAHoAPAYLABIzSQAfM0kAFHAzCG5vbmUBAAAAAA==
        """,
        "zstd": """
        AAAAAAAAAGQAAACMAAAABQLBmxBaAAQAAAADAAAAAAAAA+gAAAAAAAAEBv//////////////////AAAABCi1L/0AWHwCAEKEDxaQOwcAfkWhAW\
        /nIrbp/j6rPq1W1MoU+HWra633pkHhx0i8N03BCL9uVSF5ha2mQgB5sTOkMwlrjPTe1PYRBQCgiDEBe9DuU0NxgzABAAA=
        """,
        "append-time": """
        AAAAAAAAAGQAAACbAAAABQJTC9TKAAgAAAABAAAAAAAAA+gAAAAAAAATiP//////////////////AAAAAl4AAAAIa2V5MEp2YWx1ZTAteHh4eH\
        h4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4AHIAFAIBSnZhbHVlMS14eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHgECG5hbWUEaDEIbm9u\
        ZQE=
        """,
        "transactional": """
        AAAAAAAAAGQAAACbAAAABQJkz/rqABAAAAABAAAAAAAAA+gAAAAAAAAD8gAAAAAAAAAqAAMAAAARAAAAAl4AAAAIa2V5MEp2YWx1ZTAteHh4eH\
        h4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4AHIAFAIBSnZhbHVlMS14eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHgECG5hbWUEaDEIbm9u\
        ZQE=
        """,
        "control": """
        AAAAAAAAAGgAAABCAAAABQKIrXx8ADAAAAAAAAAAAAAAB9AAAAAAAAAH0AAAAAAAAAAqAAP/////AAAAASAAAAAIAAAAAQwAAAAAAAkA
        """,
        "empty": """
        AAAAAAAAAMgAAAAxAAAABQJVvRfSAAAAAAAH//////////8AAAAAAAALuP//////////////////AAAAAA==
        """,
    ]
}
