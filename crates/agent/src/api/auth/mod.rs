//! The one authorization of the API: who may speak to the agent, and what may be asked over a
//! connection that was limited.
//!
//! A connection starts with everything that its user may do. It can be limited to one environment
//! (see [`limit`]), and then never gets more again: `landfall dial-stdio --only` does that before
//! it lets a word of the other side through, so an ssh key that is forced to it can do nothing else.

mod enforce;
mod limit;
mod peers;
mod reach;
mod request;

use landfall_store::EnvironmentKey;

pub use enforce::enforce;
pub use limit::{PROTOCOL, limit};
pub use peers::{PeerListener, Peers};

use super::error::Failed;

pub(super) use limit::__path_limit;

/// What a connection is limited to: one environment. It is in the extensions of every request that
/// comes over such a connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scope {
    /// The environment.
    pub key: EnvironmentKey,
}

impl Scope {
    /// The refusal of what this does not allow.
    fn refuse(&self, what: impl std::fmt::Display) -> Failed {
        Failed::forbidden(
            format!(
                "{what}: this key is limited to {}, where it may plan, deploy, roll back, restart \
                 and cancel, and read status, releases, history and logs",
                self.key
            ),
            "use a key without that limit: on the server, `--only` in ~/.ssh/authorized_keys is it",
        )
    }
}
