//! What the agent needs of the world outside itself, as traits: the seam below which the
//! simulations put fakes.

pub mod artifacts;
mod clock;
mod compose;
mod images;
mod prober;
mod proxy;

pub use artifacts::{
    Artifacts, BuildOutput, BuiltElsewhere, BuiltInputs, Elsewhere, LocalArtifacts,
};
pub use clock::{Clock, SystemClock};
pub use compose::{ComposeProjects, EngineProjects};
pub use images::{EngineImages, Images};
pub use prober::{Answer, Ask, AskError, HttpProber, Prober};
pub use proxy::{ProxyClient, ProxyControl, ProxyError};
