import MillraceCore
import MillraceWire
import Testing

@testable import MillraceCluster

/// How connections are made safe.
@Suite struct SecurityTests {
    /// The conversation of RFC 7677, section 3.
    @Test func scramAgreesWithTheStandard() throws {
        var conversation = ScramConversation(.sha256, user: "user", password: "pencil", nonce: "rOprNGfwEbeRWgbNEkqO")
        #expect(conversation.first == Array("n,,n=user,r=rOprNGfwEbeRWgbNEkqO".utf8))
        let serverFirst = "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096"
        let last = try conversation.last(after: Array(serverFirst.utf8))
        #expect(
            String(decoding: last, as: UTF8.self)
                == "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=")
        try conversation.check(Array("v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=".utf8))
        #expect(throws: MillraceError.self) { try conversation.check(Array("v=AAAA".utf8)) }
    }

    @Test(arguments: [
        "", "r=other,s=AAAA,i=4096", "r=abcX,s=,i=4096", "r=abcX,s=AAAA,i=1", "r=abcX,s=AAAA,i=99999999999", "r=abc,s=AAAA,i=4096",
    ])
    func aServerThatDoesNotPlayByTheRulesIsRefused(_ message: String) {
        var conversation = ScramConversation(.sha512, user: "a,b=c", password: "p", nonce: "abc")
        #expect(conversation.first == Array("n,,n=a=2Cb=3Dc,r=abc".utf8))
        #expect(throws: MillraceError.self) { _ = try conversation.last(after: Array(message.utf8)) }
    }

    @Test func settingsThatCannotBeFollowedAreNamedAndSecretsAreNot() {
        let cases: [([String: String], String)] = [
            (["security.protocol": "tls"], "security.protocol"),
            (["security.protocol": "sasl_plaintext", "sasl.mechanism": "OAUTHBEARER"], "OAUTHBEARER"),
            (["security.protocol": "sasl_ssl", "sasl.mechanism": "PLAIN", "sasl.password": "s3cret"], "sasl.username"),
            (["security.protocol": "ssl", "ssl.ca.location": "/nowhere.pem"], "/nowhere.pem"),
        ]
        for (settings, named) in cases {
            #expect {
                _ = try ConnectionSettings(settings)
            } throws: { error in
                let text = "\(error)"
                return text.contains(named) && !text.contains("s3cret") && (error as? MillraceError)?.kind == .configuration
            }
        }
    }

    @Test func aBrokerThatIsNotThereIsNamedWithWhatToCheck() throws {
        let connection = ClusterConnection(
            bootstrap: [BrokerAddress(host: "127.0.0.1", port: 1)], try ConnectionSettings(["socket.timeout.ms": "500"]))
        #expect {
            _ = try connection.versions()
        } throws: {
            "\($0)".contains("127.0.0.1:1") && "\($0)".contains("Check that it runs") && ($0 as? MillraceError)?.isRetriable == true
        }
    }
}
