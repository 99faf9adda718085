//! A load generator that hides nothing.
//!
//! It plays the users of an app while releases change under them: keep-alive clients, new
//! connections, slow requests and WebSockets, each of them retrying nothing, so that every request
//! that is refused, reset, cut short, late or answered by the proxy in the app's place is on the
//! record. It knows nothing of deployments; what was live when is told to it afterwards.

mod handle;
mod http;
mod ledger;
mod plan;
mod record;
mod report;
mod websocket;

pub use handle::{Load, LoadHandle};
pub use ledger::Snapshot;
pub use plan::LoadPlan;
pub use record::{Failure, Kind, Label, Outcome, Record};
pub use report::{LoadReport, Seen};
