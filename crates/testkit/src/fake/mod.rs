//! A host that is simulated whole: processes, the proxy, builds, clocks and users, behind the
//! agent's own ports.
//!
//! The [`Host`] outlives agents: kill one by dropping its runtime, and the next one finds what is.
//! It has no task and no thread of its own. What it does by itself (getting ready, exiting, users'
//! requests) follows from the time, so that a simulation with a paused clock is quick and always
//! goes the same way. Nothing here decides what a right outcome is, except [`Host::violations`]:
//! what users would have suffered.

mod artifacts;
mod behaviour;
mod clock;
mod compose;
mod faults;
mod host;
mod image;
mod instance;
mod prober;
mod proxy;
mod runtime;
mod system;
mod users;

pub use artifacts::FakeArtifacts;
pub use behaviour::{Behaviour, Listens, Met};
pub use clock::{FakeClock, elapse};
pub use compose::{ContainerState, FakeProjects};
pub use faults::{Fault, Moment};
pub use host::Host;
pub use image::Image;
pub use prober::FakeProber;
pub use proxy::FakeProxy;
pub use runtime::FakeRuntime;
pub use system::FakeSystem;
