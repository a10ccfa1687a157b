/// Which nodes belong together: a union-find over names.
struct NodeGroups: Sendable {
    private var parent: [String: String] = [:]

    mutating func add(_ name: String) {
        if parent[name] == nil { parent[name] = name }
    }

    mutating func unite(_ left: String, _ right: String) {
        let (leftRoot, rightRoot) = (root(of: left), root(of: right))
        if leftRoot != rightRoot { parent[leftRoot] = rightRoot }
    }

    /// The name that stands for the whole group. Shortens the way to it.
    mutating func root(of name: String) -> String {
        var root = name
        while let next = parent[root], next != root { root = next }
        var current = name
        while let next = parent[current], next != root, current != root {
            parent[current] = root
            current = next
        }
        return root
    }
}
