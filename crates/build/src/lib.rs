//! Input hashing and the builders that turn a source tree into artifacts.
//!
//! The way of a build: [`hash_inputs`] says from what it would be made, and [`explain`] what is new
//! about that; [`run_build`] runs the command; [`collect_outputs`] takes what it made into the
//! content store. [`run_all`] does several at once. Nothing here knows of releases, SQL or HTTP.

mod error;
mod graph;
mod hashing;
pub mod image;
mod inputs;
mod lines;
mod outputs;
mod process;
mod select;
mod sources;
mod stat_cache;

pub use error::{BuildError, Ended};
pub use graph::run_all;
pub use inputs::{ChangeKind, Changed, InputHash, changed_meanwhile, explain, hash_inputs};
pub use lines::{OutputLine, Stream};
pub use outputs::collect_outputs;
pub use process::{BeforeExec, BuildRequest, run_build};
pub use sources::take_sources;
