import Millrace

// The vocabulary of the programs here: a shop, its customers, and what they do.

struct Order: Codable, Sendable, Equatable, HasSerde {
    var id: String
    var customer: String
    var product: String
    var country: String
    var cents: Int64
}

struct Customer: Codable, Sendable, Equatable, HasSerde {
    var name: String
    var email: String
}

struct Payment: Codable, Sendable, Equatable, HasSerde {
    var order: String
    var cents: Int64
}

struct Product: Codable, Sendable, Equatable, HasSerde {
    var name: String
    var category: String
}

struct Click: Codable, Sendable, Equatable, HasSerde {
    var page: String
}

let tea = Order(id: "1", customer: "ada", product: "tea", country: "UK", cents: 300)
