//! Trees without a registry: from one store to another over any stream of bytes, only what is missing.
//!
//! One side has the tree, the other wants it. Each step is one call that stands for itself, so that
//! either side may be killed between any two of them:
//!
//! 1. [`ContentStore::send_tree`](crate::ContentStore::send_tree) and
//!    [`TreeSender::index`]: what the tree is.
//! 2. [`ContentStore::offer_tree`](crate::ContentStore::offer_tree): what is missing of it, as
//!    [`TreeWants`]; [`ContentStore::check_room`](crate::ContentStore::check_room): whether it fits.
//! 3. [`TreeSender::send`] and [`ContentStore::receive_blobs`](crate::ContentStore::receive_blobs):
//!    what is missing, as a stream of frames.
//! 4. [`ContentStore::finish_tree`](crate::ContentStore::finish_tree): the tree is there.
//!
//! After a cut at any byte the same steps go on where it was: what has come whole is not wanted any
//! more. An offer keeps what has come of its tree from garbage collection for an hour, counted from
//! the last time that something came; see [`OFFER_KEPT`].
//!
//! What comes is believed for its digest alone. The receiver takes nothing that is not of the tree
//! that was offered, so the index bounds what a sender can make it keep. It reads whatever blob a
//! sender names as base of a patch, which tells the sender no more than it knew: a patch that does
//! not make the content of its digest is refused.
//!
//! Nothing here knows a network.

mod base;
mod contents;
mod error;
mod frame;
mod limited;
mod offer;
mod pace;
mod part;
mod patch;
mod plan;
mod receive;
mod room;
mod send;
mod similar;
mod wants;

pub use error::TransferError;
pub use frame::TRANSFER_FORMAT;
pub use limited::Limited;
pub(crate) use offer::offers;
pub use offer::{OFFER_KEPT, ReceivedTree};
pub(crate) use part::list_parts;
pub use receive::Received;
pub use room::{NoRoom, Room};
pub use send::{Sent, TreeSender};
pub use wants::{Base, TreeWants, WantedBlob};

/// Content of this size, in bytes, travels and is kept at a time: what a cut costs at most.
pub(crate) const SEGMENT: u64 = 4 << 20;
