//! HTTP/1 as the proxy reads it: strict, without IO, and the only parser on the request path.
//!
//! The bytes that are checked here are the bytes that are forwarded: there is no second parser that
//! could see other message boundaries. Everything that two implementations might frame differently
//! is refused, not repaired. Nothing here reads sockets or clocks, allocates per byte, or panics on
//! any input; `fuzz/` and the property tests hold it to that.

mod body;
mod chars;
mod fields;
mod known;
mod reject;
mod request;
mod response;
mod scan;
mod target;

pub use body::{Advance, BodyKind, Decoder, Piece};
pub(crate) use fields::is_named_by_connection;
pub use fields::{Connection, Field, Span};
pub use known::Known;
pub use reject::Reject;
pub use request::{Method, RequestHead, Version};
pub use response::ResponseHead;
pub use scan::{HeadLimits, HeadScanner};
pub(crate) use target::split_port;
pub use target::{Target, is_host};
