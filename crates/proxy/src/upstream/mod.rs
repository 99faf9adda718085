//! Connections to instances: made, kept for reuse by the worker that made them, and thrown away as
//! soon as they could be stale.

mod pool;

pub(crate) use pool::{Pool, UpstreamConn};
