//! Server-sent events, as far as the agent uses them.

use bytes::BytesMut;
use hyper::body::Incoming;
use landfall_agent::api::types::EventView;

use super::lines::Lines;
use super::{ClientError, decode};

/// The events of a deployment, as they come.
pub struct EventStream {
    lines: Lines,
    data: BytesMut,
}

impl EventStream {
    pub(super) fn new(path: &str, body: Incoming) -> Self {
        Self {
            lines: Lines::new(path, body),
            data: BytesMut::new(),
        }
    }

    /// The next event; `None` when there is no more. Cancel safe: what was read of an event stays
    /// for the next call.
    ///
    /// # Errors
    /// When the connection breaks, or what comes is no event.
    pub async fn next(&mut self) -> Result<Option<EventView>, ClientError> {
        while let Some(line) = self.lines.next().await? {
            if line.is_empty() {
                let data = self.data.split();
                if !data.is_empty() {
                    return decode(self.lines.path(), &data).map(Some);
                }
            } else if let Some(data) = line.strip_prefix(b"data:") {
                let data = data.strip_prefix(b" ").unwrap_or(data);
                self.data.extend_from_slice(data);
            }
            // The number is in the data as well, and comments keep the connection open.
        }
        Ok(None)
    }
}
