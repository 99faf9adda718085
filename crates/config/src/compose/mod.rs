//! Compose files: read, merged and resolved as `docker compose config` does it, with the place of
//! everything kept.
//!
//! Whatever is read is data: nothing is fetched, started or created here, and variables of the
//! caller's environment count only as they are handed over in the request.

mod canonical;
mod interpolate;
mod load;
mod merge;
mod model;
mod notes;
mod short;
mod spec;
mod tree;
mod yaml;

pub use load::{LoadRequest, LoadedProject, is_project_name, load};
pub use model::{Build, Dependency, Mount, Port, Project, Resource, Service};
pub use notes::Note;
pub use tree::Place;

pub(crate) use short::nanoseconds;
pub(crate) use tree::{Node, Value};
