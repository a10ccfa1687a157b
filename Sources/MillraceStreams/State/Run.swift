/// A list that is never empty, whose first element needs no array: most keys of a window or session store have but one entry at a time.
@usableFromInline
struct Run<Element> {
    @usableFromInline var first: Element
    @usableFromInline var rest: ContiguousArray<Element> = []

    @inlinable
    init(_ first: Element) {
        self.first = first
    }

    @inlinable var count: Int { rest.count + 1 }
    @inlinable var last: Element { rest.last ?? first }

    @inlinable
    subscript(index: Int) -> Element {
        get { index == 0 ? first : rest[index - 1] }
        set { if index == 0 { first = newValue } else { rest[index - 1] = newValue } }
    }

    /// The index of the first element that meets a condition which all after it meet too; the end when there is none.
    @inlinable
    func firstIndex(fromThereOn condition: (Element) -> Bool) -> Int {
        if condition(first) { return 0 }
        var lower = 0
        var upper = rest.count
        while lower < upper {
            let middle = (lower + upper) / 2
            if condition(rest[middle]) { upper = middle } else { lower = middle + 1 }
        }
        return lower + 1
    }

    @inlinable
    mutating func insert(_ element: Element, at index: Int) {
        if index == 0 {
            rest.insert(first, at: 0)
            first = element
        } else {
            rest.insert(element, at: index - 1)
        }
    }

    /// Removes one of several elements.
    mutating func remove(at index: Int) {
        if index == 0 { first = rest.removeFirst() } else { rest.remove(at: index - 1) }
    }
}
