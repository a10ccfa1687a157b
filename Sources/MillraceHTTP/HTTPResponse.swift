/// What a route answers.
public struct HTTPResponse: Sendable, Equatable {
    /// 200 when all is well.
    public var status: Int
    /// The media type, with its character set.
    public var contentType: String
    /// The whole body.
    public var body: String

    /// An answer; plain text unless told otherwise.
    public init(status: Int = 200, contentType: String = "text/plain; charset=utf-8", body: String) {
        self.status = status
        self.contentType = contentType
        self.body = body
    }
}

/// Answers the GET and HEAD requests of one path. Called on the server's own thread, one request after the other.
public typealias HTTPRoute = @Sendable () -> HTTPResponse
