//! What the agent tells and what files say, as text for a terminal. Pure: values in, text out.

mod adopt;
mod compose;
mod history;
mod plan;
mod releases;
mod source;
mod status;

pub use adopt::adopted;
pub use compose::compose;
pub use history::history;
pub use plan::plan;
pub use releases::releases;
pub use source::short_commit;
pub use status::{StatusView, brief, status};
