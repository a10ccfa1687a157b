@main
struct FraudDetection {
    static func main() {}
}
