import Foundation
import MillraceCore
import MillraceJSON

struct Payment: Codable, Equatable, HasSerde {
    var id: String
    var amount: Double
    var currency: String
    var cents: Int
    var at: Int64
    var retry: Bool
    var note: String?
    var score: Float
}

struct Order: Codable, Equatable, HasSerde {
    var payment: Payment
    var lines: [Pair]
}

struct Pair: Codable, Equatable, Hashable, HasSerde {
    var x: Int
    var y: Int?
}

enum Color: String, Codable, CodingKeyRepresentable { case red, green }

indirect enum Shape: Codable, Equatable {
    case circle(radius: Double)
    case named(String, Int)
    case group([Shape])
    case empty
}

class Animal: Codable {
    var name: String
    init(name: String) { self.name = name }
}

final class Dog: Animal {
    var tricks: Int

    init(name: String, tricks: Int) {
        self.tricks = tricks
        super.init(name: name)
    }

    enum CodingKeys: CodingKey { case tricks }

    required init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        tricks = try container.decode(Int.self, forKey: .tricks)
        try super.init(from: container.superDecoder())
    }

    override func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(tricks, forKey: .tricks)
        try super.encode(to: container.superEncoder())
    }
}

/// Shares the object with its superclass.
final class MergedDog: Animal {
    var tricks: Int

    init(name: String, tricks: Int) {
        self.tricks = tricks
        super.init(name: name)
    }

    enum CodingKeys: CodingKey { case tricks }

    required init(from decoder: any Decoder) throws {
        tricks = try decoder.container(keyedBy: CodingKeys.self).decode(Int.self, forKey: .tricks)
        try super.init(from: decoder)
    }

    override func encode(to encoder: any Encoder) throws {
        try super.encode(to: encoder)
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(tricks, forKey: .tricks)
    }
}

struct Assets: Codable, Equatable {
    var data: Data
    var url: URL
    var id: UUID
    var price: Decimal
    var at: Date
}

/// Any JSON, for random documents.
indirect enum Tree: Codable, Equatable {
    case null, bool(Bool), int(Int), double(Double), text(String), list([Tree]), object([String: Tree])

    init(from decoder: any Decoder) throws {
        let single = try decoder.singleValueContainer()
        if single.decodeNil() {
            self = .null
        } else if let value = try? single.decode(Bool.self) {
            self = .bool(value)
        } else if let value = try? single.decode(Int.self) {
            self = .int(value)
        } else if let value = try? single.decode(Double.self) {
            self = .double(value)
        } else if let value = try? single.decode(String.self) {
            self = .text(value)
        } else if let value = try? single.decode([Tree].self) {
            self = .list(value)
        } else {
            self = .object(try single.decode([String: Tree].self))
        }
    }

    func encode(to encoder: any Encoder) throws {
        var single = encoder.singleValueContainer()
        switch self {
        case .null: try single.encodeNil()
        case .bool(let value): try single.encode(value)
        case .int(let value): try single.encode(value)
        case .double(let value): try single.encode(value)
        case .text(let value): try single.encode(value)
        case .list(let value): try single.encode(value)
        case .object(let value): try single.encode(value)
        }
    }

    static func random(depth: Int, _ random: inout some RandomNumberGenerator) -> Tree {
        func word() -> String {
            let letters: [Unicode.Scalar] = ["a", "\"", "\\", "/", "\u{1}", "\n", "é", "漢", "😀", "\u{2028}", "\u{7F}"]
            var text = String.UnicodeScalarView()
            for _ in 0..<Int.random(in: 0..<12, using: &random) { text.append(letters[Int.random(in: 0..<letters.count, using: &random)]) }
            return String(text)
        }
        switch Int.random(in: 0..<(depth > 0 ? 7 : 5), using: &random) {
        case 0: return .null
        case 1: return .bool(.random(using: &random))
        case 2: return .int(.random(in: .min ... .max, using: &random))
        case 3: return .double(.random(in: -1...1, using: &random))
        case 4: return .text(word())
        case 5: return .list((0..<Int.random(in: 0..<5, using: &random)).map { _ in .random(depth: depth - 1, &random) })
        default:
            var fields: [String: Tree] = [:]
            for _ in 0..<Int.random(in: 0..<5, using: &random) { fields[word()] = .random(depth: depth - 1, &random) }
            return .object(fields)
        }
    }
}

/// SplitMix64.
struct SeededNumbers: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}
