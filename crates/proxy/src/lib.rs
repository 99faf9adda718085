//! The data plane: routes requests to ready instances and never knows about deployments.
//!
//! [`run`] is a process of its own. It serves what the last snapshot says, with or without an agent,
//! and hands its sockets to a successor when it is upgraded. It knows no SQL, no containers and no
//! configuration files.
//!
//! # Control socket
//!
//! HTTP/1.1 and JSON on a unix socket of mode 0600; the types are those of `landfall_model::snapshot`.
//!
//! | Request | Answer |
//! |---|---|
//! | `PUT /snapshot`, a `Snapshot` | `200` and an `Ack`: it is on disk and in force, no request begins by an earlier one. `409`: the generation is older than the one in force, or the same with other content. `422`: malformed, or of a newer format. `503`: a successor serves, connect again |
//! | `GET /status` | `ProxyStatus` |
//! | `GET /counters` | `Counters` |
//! | `POST /takeover`, `Upgrade: landfall-takeover-1` | `101`, then the predecessor sends its listening sockets |
//!
//! Failures carry `{"error": "…"}`. After a take-over the control socket's path belongs to the
//! successor; it passes snapshots on to the predecessor and adds what that has under way to its
//! status, until the predecessor is done.
//!
//! # What requests go through
//!
//! [`http1`] checks a head, `routing` finds the route and registers the request on an instance,
//! `conn` writes the head anew and passes both bodies on as they come. Counting and logging follow.
//! A request that breaks a rule of HTTP is never forwarded.

//!
//! The path of a request is not built on an HTTP library: the strict check has to find every
//! message's end anyway, so a library behind it would parse everything twice, and could disagree.
//! With one parser, and buffers that are written from where they were read into, a request costs
//! less processor time than in nginx. A library serves the control socket.

mod access_log;
mod clock;
mod conn;
mod control;
mod fault;
mod files;
pub mod http1;
mod limits;
mod listeners;
mod options;
mod routing;
mod run;
mod store;
mod tcp;
mod upstream;
mod worker;

pub use limits::Limits;
pub use options::{Ended, ProxyError, ProxyOptions};
pub use run::run;
