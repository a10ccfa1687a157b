import Millrace
import MillraceHTTP
import MillraceKafka

func runOnKafka(_ topology: Topology, servers: String, state: String) async throws {
    let transport = try KafkaTransport(bootstrapServers: servers, options: KafkaOptions(replicationFactor: 3))
    let app = StreamsApp(topology, on: .kafka(transport, state: state), configuration: StreamsConfiguration(applicationID: "word-count"))
    let server = try app.serveHTTP(port: 8080, address: "0.0.0.0")
    defer { server.stop() }
    try await app.runUntilSignalled()
}
