import MillraceCore

extension JSONDocument {
    /// The keys that lead from the outermost value to the one at `target`.
    ///
    /// Nothing keeps track of the path while values are read: it is found on the tape when an error asks for it.
    func path(to target: Int) -> [any CodingKey] {
        var path: [any CodingKey] = []
        var container = Self.root
        while container != target {
            let end = end(of: container) - 1
            guard
                let (key, value) = kind(at: container) == .array
                    ? element(of: container, end: end, holding: target) : field(of: container, end: end, holding: target)
            else { break }
            path.append(key)
            container = value
        }
        return path
    }

    private func field(of object: Int, end: Int, holding target: Int) -> (JSONKey, Int)? {
        guard kind(at: object) == .object else { return nil }
        var field = object + 1
        while field < end {
            let next = self.end(of: field + 1)
            if target < next { return (JSONKey(String(decoding: utf8(at: field), as: UTF8.self)), field + 1) }
            field = next
        }
        return nil
    }

    private func element(of array: Int, end: Int, holding target: Int) -> (JSONKey, Int)? {
        var (element, position) = (array + 1, 0)
        if lastPlace.array == array && lastPlace.element <= target { (element, position) = (lastPlace.element, lastPlace.position) }
        while element < end {
            let next = self.end(of: element)
            if target < next {
                lastPlace = (array, element, position)
                return (JSONKey(position), element)
            }
            element = next
            position += 1
        }
        return nil
    }

    @inline(never)
    func mismatch(_ type: Any.Type, _ expected: String, at index: Int) -> DecodingError {
        let context = DecodingError.Context(
            codingPath: path(to: index), debugDescription: "expected \(expected), found \(kind(at: index).words)")
        return isNull(at: index) ? .valueNotFound(type, context) : .typeMismatch(type, context)
    }

    @inline(never)
    func misfit(_ type: Any.Type, at index: Int) -> DecodingError {
        let bits = tape[index + 1]
        let number =
            switch kind(at: index) {
            case .integer: "\(Int64(bitPattern: bits))"
            case .unsigned: "\(bits)"
            default: "\(Double(bitPattern: bits))"
            }
        return .dataCorrupted(.init(codingPath: path(to: index), debugDescription: "\(number) is not a value of \(type)"))
    }

    @inline(never)
    func missing(_ key: any CodingKey, in object: Int) -> DecodingError {
        .keyNotFound(key, .init(codingPath: path(to: object), debugDescription: "there is no \"\(key.stringValue)\""))
    }
}

extension DecodingError {
    /// The error as Millrace throws it: the path, and what is wrong there.
    var explained: MillraceError {
        let context: Context
        switch self {
        case .typeMismatch(_, let found), .valueNotFound(_, let found), .keyNotFound(_, let found), .dataCorrupted(let found):
            context = found
        @unknown default: return MillraceError(.serialization, "the JSON does not fit the type", cause: self)
        }
        return MillraceError(.serialization, context.codingPath.dotted + context.debugDescription, cause: context.underlyingError)
    }
}

extension EncodingError {
    /// The error as Millrace throws it: the path, and what is wrong there.
    var explained: MillraceError {
        switch self {
        case .invalidValue(_, let context):
            MillraceError(.serialization, context.codingPath.dotted + context.debugDescription, cause: context.underlyingError)
        @unknown default: MillraceError(.serialization, "the value cannot be written as JSON", cause: self)
        }
    }
}

extension [any CodingKey] {
    /// `payment.lines[2].amount: `, or nothing for the outermost value.
    var dotted: String {
        var text = ""
        for key in self {
            if let position = key.intValue, key.stringValue.isEmpty || key is JSONKey {
                text += "[\(position)]"
            } else {
                text += text.isEmpty ? key.stringValue : "." + key.stringValue
            }
        }
        return text.isEmpty ? "" : text + ": "
    }
}
