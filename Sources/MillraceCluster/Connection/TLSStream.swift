import COpenSSL
import MillraceCore
import MillraceWire

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// A TCP connection that is encrypted, to a broker whose certificate has been checked.
final class TLSStream: ByteStream {
    private let socket: Socket
    private let address: BrokerAddress
    private let session: OpaquePointer

    /// Shakes hands over a fresh connection.
    init(over socket: Socket, to address: BrokerAddress, context: TLSContext) throws(MillraceError) {
        self.socket = socket
        self.address = address
        guard let session = SSL_new(context.pointer) else { throw TLSContext.failure("A TLS session could not be made") }
        self.session = session
        guard SSL_set_fd(session, socket.descriptor) == 1 else { throw TLSContext.failure("A TLS session could not be made") }
        _ = millrace_ssl_set_server_name(session, address.host)
        if context.checksHostName {
            guard SSL_set1_host(session, address.host) == 1 else { throw TLSContext.failure("The name \(address.host) cannot be checked") }
        }
        while true {
            let result = SSL_connect(session)
            if result == 1 { return }
            do {
                try waitAfter(
                    result,
                    "The TLS handshake with broker \(address) failed. Check ssl.ca.location, and that the broker's certificate names this host"
                )
            } catch {
                throw refusal(error)
            }
        }
    }

    deinit { SSL_free(session) }

    /// A certificate that is not trusted is not trusted later either.
    private func refusal(_ error: MillraceError) -> MillraceError {
        let verdict = SSL_get_verify_result(session)
        guard verdict != Int(X509_V_OK), let reason = X509_verify_cert_error_string(verdict) else { return error }
        var refusal = error
        refusal.kind = .configuration
        refusal.isRetriable = false
        refusal.message += " The reason: \(String(cString: reason))."
        return refusal
    }

    func write(_ bytes: UnsafeRawBufferPointer) throws(MillraceError) {
        var sent = 0
        while sent < bytes.count {
            let result = SSL_write(session, bytes.baseAddress! + sent, Int32(clamping: bytes.count - sent))
            if result > 0 { sent += Int(result) } else { try waitAfter(result, "The TLS connection to broker \(address) failed") }
        }
    }

    func read(into target: UnsafeMutableRawBufferPointer) throws(MillraceError) -> Int {
        while true {
            let result = SSL_read(session, target.baseAddress, Int32(clamping: target.count))
            if result > 0 { return Int(result) }
            try waitAfter(result, "The TLS connection to broker \(address) ended")
        }
    }

    /// Waits for the socket when that is all that is missing.
    private func waitAfter(_ result: Int32, _ message: String) throws(MillraceError) {
        switch SSL_get_error(session, result) {
        case SSL_ERROR_WANT_READ: try socket.wait(for: Int16(POLLIN), after: EAGAIN)
        case SSL_ERROR_WANT_WRITE: try socket.wait(for: Int16(POLLOUT), after: EAGAIN)
        default: throw TLSContext.failure(message)
        }
    }
}

/// What all encrypted connections share: whom to trust, and who we are.
final class TLSContext {
    fileprivate let pointer: OpaquePointer
    fileprivate let checksHostName: Bool

    /// - Throws: `MillraceError` of kind `configuration` that names the file that cannot be used.
    init(_ settings: SecuritySettings) throws(MillraceError) {
        guard let pointer = SSL_CTX_new(TLS_client_method()) else { throw TLSContext.failure("TLS cannot be used") }
        self.pointer = pointer
        checksHostName = settings.checksHostName
        _ = millrace_ssl_set_minimum_version(pointer)
        SSL_CTX_set_verify(pointer, settings.checksCertificate ? SSL_VERIFY_PEER : SSL_VERIFY_NONE, nil)
        if let file = settings.certificateAuthorities {
            guard SSL_CTX_load_verify_locations(pointer, file, nil) == 1 else { throw TLSContext.unusable("ssl.ca.location", file) }
        } else {
            SSL_CTX_set_default_verify_paths(pointer)
        }
        if let password = settings.keyPassword {
            // OpenSSL copies nothing: the text must live as long as keys are read, which is here only.
            let passwordText = strdup(password)
            defer {
                SSL_CTX_set_default_passwd_cb_userdata(pointer, nil)
                free(passwordText)
            }
            SSL_CTX_set_default_passwd_cb_userdata(pointer, passwordText)
            try useCertificate(settings)
        } else {
            try useCertificate(settings)
        }
    }

    deinit { SSL_CTX_free(pointer) }

    private func useCertificate(_ settings: SecuritySettings) throws(MillraceError) {
        if let file = settings.certificate {
            guard SSL_CTX_use_certificate_chain_file(pointer, file) == 1 else {
                throw TLSContext.unusable("ssl.certificate.location", file)
            }
        }
        if let file = settings.key {
            guard SSL_CTX_use_PrivateKey_file(pointer, file, SSL_FILETYPE_PEM) == 1 else {
                throw TLSContext.unusable("ssl.key.location", file)
            }
        }
    }

    private static func unusable(_ setting: String, _ file: String) -> MillraceError {
        var error = failure("\(setting) = \(file) cannot be used. It must be a PEM file that can be read")
        error.kind = .configuration
        error.isRetriable = false
        return error
    }

    /// What OpenSSL says went wrong.
    fileprivate static func failure(_ message: String) -> MillraceError {
        var reasons: [String] = []
        while true {
            let code = ERR_get_error()
            guard code != 0 else { break }
            if let reason = ERR_reason_error_string(code) { reasons.append(String(cString: reason)) }
        }
        let reason = reasons.isEmpty ? "the connection was closed" : reasons.joined(separator: ", ")
        return MillraceError(.transport, "\(message): \(reason).", isRetriable: true)
    }
}
