//! Images, built by a Docker engine with BuildKit.
//!
//! No program of Docker's is needed: BuildKit is spoken to as it speaks itself, over the engine's
//! socket. The engine asks for the files of the context, the Dockerfile and secrets over a second
//! connection, the session; it gets the files that the ignore file leaves, and those that it asks
//! for only.

mod bases;
mod builder;
mod context;
mod dockerfile;
mod engine;
mod error;
mod failure;
mod ignore;
mod inputs;
mod progress;
mod secrets;
mod selection;
mod session;
mod solve;
mod sources;
mod trace;

pub use builder::{ImageBuildRequest, ImageBuilder, RegistryCredentials, RegistryLogin};
pub use error::ImageBuildError;
pub use progress::{BuildProgress, Step};
