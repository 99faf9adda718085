//! A project as a whole: what is implied, what contradicts itself, what is used, and the typed
//! view of the result.

mod consistency;
mod cycle;
mod misuse;
mod normalize;
mod project;
mod service;
mod usage;

pub use project::{Project, Resource};
pub use service::{Build, Dependency, Mount, Port, Service};

pub(super) use consistency::inconsistencies;
pub(super) use misuse::misuses;
pub(super) use normalize::{inherit_environment, normalize};
pub(super) use usage::{disable, drop_unused};
