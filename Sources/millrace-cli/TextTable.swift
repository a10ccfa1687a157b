/// A table for people: a header, rows, columns as wide as they need to be, numbers to the right.
struct TextTable {
    let header: [String]
    private var rows: [[String]] = []

    init(_ header: String...) {
        self.header = header
    }

    mutating func add(_ row: String...) {
        rows.append(row)
    }

    /// The lines, each with its line end.
    var text: String {
        let widths = header.indices.map { column in ([header] + rows).map { $0[column].count }.max() ?? 0 }
        let areNumbers = header.indices.map { column in
            rows.allSatisfy { Int64($0[column]) != nil || ["-", ""].contains($0[column]) }
        }
        return ([header] + rows).map { row in
            var line = ""
            for (column, cell) in row.enumerated() {
                let space = String(repeating: " ", count: widths[column] - cell.count)
                line += (column == 0 ? "" : "  ") + (areNumbers[column] ? space + cell : cell + space)
            }
            while line.last == " " { line.removeLast() }
            return line + "\n"
        }.joined()
    }
}
