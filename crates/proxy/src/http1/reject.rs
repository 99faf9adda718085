//! Why a message is refused.

/// What is wrong with a message. The text is for the person who wrote the sender.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Reject {
    /// The first bytes are not HTTP.
    #[error("this is not an http/1 message")]
    NotHttp,
    /// A line of the head ends with a line feed alone.
    #[error("a line of the head ends without a carriage return")]
    BareLineFeed,
    /// The head is longer than the limit, in bytes or lines.
    #[error("the head is too large")]
    HeadTooLarge,
    /// The request or status line is malformed.
    #[error("the first line is malformed")]
    FirstLine,
    /// A version other than 1.0 and 1.1.
    #[error("the http version is not supported")]
    Version,
    /// The request target is malformed.
    #[error("the request target is malformed")]
    Target,
    /// A field name is empty, holds a character that is not allowed, or has a space before its colon.
    #[error("a header name is malformed")]
    FieldName,
    /// A field value holds a control character.
    #[error("a header value holds a control character")]
    FieldValue,
    /// A field is continued on a second line.
    #[error("a header is folded over two lines")]
    Folded,
    /// No Host, several, or one that is not a host.
    #[error("there must be exactly one valid host header")]
    Host,
    /// The Host and the authority of an absolute target differ.
    #[error("the host header and the request target name different hosts")]
    HostMismatch,
    /// Content-Length is repeated or not a number.
    #[error("content-length is repeated or not a number")]
    ContentLength,
    /// Transfer-Encoding is not exactly `chunked`, or comes with HTTP/1.0.
    #[error("the transfer-encoding is not exactly chunked")]
    TransferEncoding,
    /// Content-Length and Transfer-Encoding together.
    #[error("content-length and transfer-encoding contradict each other")]
    TwoLengths,
    /// A chunk of the body is malformed.
    #[error("the chunked body is malformed")]
    Chunk,
    /// The body is longer than the limit.
    #[error("the body is too large")]
    BodyTooLarge,
    /// A method that the proxy does not forward: CONNECT, TRACE.
    #[error("the method is not allowed")]
    Method,
}
