//! Short syntax: texts that stand for mappings, each with the mapping that it stands for.

pub(super) mod command;
pub(super) mod port;
mod rewrite;
pub(super) mod units;
pub(super) mod volume;

pub(super) use rewrite::{canonical, defaults};
pub(crate) use units::nanoseconds;

/// The code of short syntax that cannot be read.
pub(super) const CODE: &str = "compose-syntax";
