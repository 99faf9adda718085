//! A deployment from the outside: asked for, confirmed, followed, told.
//!
//! The agent does the work; nothing here changes what happens, and letting go of it at any moment
//! loses nothing but the view.

mod attach;
mod confirm;
mod follow;
mod local_step;
mod narrate;
mod request;
mod summary;

pub use attach::{Attached, Watcher, attach, attach_until};
pub use confirm::questions;
pub use follow::{Follow, StepReport};
pub use local_step::LocalStep;
pub use narrate::Narrator;
pub use request::{
    RunOptions, command_for, deploy_source, deployment_request, lost, run, run_after,
    say_how_to_return,
};
pub use summary::{DeploymentResult, cause_block, exit_code};
