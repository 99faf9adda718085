//! For tests only: real binaries in a sandbox, example projects to edit, load that hides nothing.
//!
//! Nothing that is shipped depends on this crate.

pub mod bins;
pub mod docker;
pub mod fake;
mod output;
pub mod process;
mod project;
mod sandbox;
pub mod server;
pub mod storefront;
mod wait;

pub use landfall_load as load;
pub use output::Output;
pub use project::Project;
pub use sandbox::Sandbox;
pub use wait::{wait_for, wait_until};
