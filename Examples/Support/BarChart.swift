/// A small bar chart in text.
public enum BarChart {
    /// - Parameter rows: Labels and values, the largest first.
    public static func text(_ rows: [(label: String, value: Int64)]) -> String {
        let rows = rows.map { (label: $0.label.utf8.count > 40 ? "\($0.label.prefix(39))…" : $0.label, value: $0.value) }
        guard let largest = rows.map(\.value).max(), largest > 0 else { return "" }
        let labelWidth = rows.map(\.label.count).max() ?? 0
        let valueWidth = String(largest).count
        var text = ""
        for (label, value) in rows {
            let bar = String(repeating: "█", count: max(1, Int(50 * value / largest)))
            let number = String(value)
            text += label + String(repeating: " ", count: labelWidth - label.count + 1)
            text += String(repeating: " ", count: valueWidth - number.count) + number + " " + bar + "\n"
        }
        return text
    }
}
