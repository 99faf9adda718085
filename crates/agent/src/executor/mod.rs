//! Carries out deployments: one step after the other, each written to the journal before and
//! after, every failure undone. Decides nothing that the plan did not decide.

mod context;
mod drive;
mod recover;

pub use context::{Context, internal};
pub use drive::drive;
pub use recover::{recover, take_back};

use landfall_model::{Cause, CauseKind};
use landfall_runtime::RuntimeError;

/// A cause for a failure of the runtime that is nobody's doing.
pub fn internal_cause(error: RuntimeError) -> Cause {
    Cause::new(CauseKind::Internal, crate::world::chain(&error))
}
