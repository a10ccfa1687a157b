import COpenSSL
import MillraceCore

/// The hash of a SCRAM mechanism.
enum ScramHash {
    case sha256
    case sha512

    fileprivate var algorithm: OpaquePointer? { self == .sha256 ? EVP_sha256() : EVP_sha512() }
    fileprivate var size: Int { self == .sha256 ? 32 : 64 }
}

/// The client's side of SCRAM (RFC 5802): both sides prove that they know the password, and neither says it.
///
/// Pure: the random part comes as an argument, and each step makes the next message of the last.
struct ScramConversation {
    private let hash: ScramHash
    private let password: String
    private let nonce: String
    private let firstBare: String
    private var serverSignature: [UInt8] = []

    /// - Parameter nonce: Random letters and digits, new for each conversation.
    init(_ hash: ScramHash, user: String, password: String, nonce: String) {
        self.hash = hash
        self.password = password
        self.nonce = nonce
        // `=` and `,` mean something in these messages.
        var escaped = ""
        for character in user {
            switch character {
            case "=": escaped += "=3D"
            case ",": escaped += "=2C"
            default: escaped.append(character)
            }
        }
        firstBare = "n=\(escaped),r=\(nonce)"
    }

    /// The client's first message.
    var first: [UInt8] { Array("n,,\(firstBare)".utf8) }

    /// The client's second message, an answer to the server's first.
    ///
    /// - Throws: `MillraceError` of kind `transport` when the server's message is not one of SCRAM's, or does not continue this conversation.
    mutating func last(after serverFirst: [UInt8]) throws(MillraceError) -> [UInt8] {
        let text = String(decoding: serverFirst, as: UTF8.self)
        let fields = ScramConversation.fields(text)
        guard let serverNonce = fields["r"], serverNonce.hasPrefix(nonce), serverNonce.utf8.count > nonce.utf8.count,
            let salt = fields["s"].flatMap(Base64.decode), !salt.isEmpty, let rounds = fields["i"].flatMap({ Int32($0) }),
            (4096...10_000_000).contains(rounds)
        else { throw ScramConversation.broken }
        let salted = try derive(salt, rounds)
        let clientKey = try mac(salted, Array("Client Key".utf8))
        let stored = try digest(clientKey)
        let withoutProof = "c=biws,r=\(serverNonce)"
        let signed = Array("\(firstBare),\(text),\(withoutProof)".utf8)
        let proof = zip(clientKey, try mac(stored, signed)).map { $0 ^ $1 }
        serverSignature = try mac(try mac(salted, Array("Server Key".utf8)), signed)
        return Array("\(withoutProof),p=\(Base64.encode(proof))".utf8)
    }

    /// Checks that the server knows the password too.
    ///
    /// - Throws: `MillraceError` of kind `transport` when it does not.
    func check(_ serverLast: [UInt8]) throws(MillraceError) {
        let signature = ScramConversation.fields(String(decoding: serverLast, as: UTF8.self))["v"].flatMap(Base64.decode)
        guard !serverSignature.isEmpty, signature == serverSignature else {
            throw MillraceError(.transport, "The broker could not prove that it knows the password. Is it the right broker?")
        }
    }

    private static let broken = MillraceError(.transport, "The broker's part of the SCRAM conversation is not valid.")

    private static func fields(_ text: String) -> [String: String] {
        var fields: [String: String] = [:]
        for field in text.split(separator: ",") where field.dropFirst().first == "=" {
            fields[String(field.prefix(1))] = String(field.dropFirst(2))
        }
        return fields
    }

    private func derive(_ salt: [UInt8], _ rounds: Int32) throws(MillraceError) -> [UInt8] {
        var key = [UInt8](repeating: 0, count: hash.size)
        guard
            PKCS5_PBKDF2_HMAC(
                password, Int32(clamping: password.utf8.count), salt, Int32(clamping: salt.count), rounds, hash.algorithm, Int32(key.count),
                &key) == 1
        else { throw ScramConversation.broken }
        return key
    }

    private func mac(_ key: [UInt8], _ message: [UInt8]) throws(MillraceError) -> [UInt8] {
        var result = [UInt8](repeating: 0, count: hash.size)
        var length: UInt32 = 0
        guard HMAC(hash.algorithm, key, Int32(key.count), message, message.count, &result, &length) != nil else {
            throw ScramConversation.broken
        }
        return result
    }

    private func digest(_ message: [UInt8]) throws(MillraceError) -> [UInt8] {
        var result = [UInt8](repeating: 0, count: hash.size)
        guard EVP_Digest(message, message.count, &result, nil, hash.algorithm, nil) == 1 else { throw ScramConversation.broken }
        return result
    }

    /// 24 random letters and digits.
    static func makeNonce() -> String {
        var bytes = [UInt8](repeating: 0, count: 24)
        precondition(RAND_bytes(&bytes, Int32(bytes.count)) == 1, "the system has random numbers")
        let letters = Array("abcdefghijklmnopqrstuvwxyz0123456789".utf8)
        return String(decoding: bytes.map { letters[Int($0) % letters.count] }, as: UTF8.self)
    }
}
