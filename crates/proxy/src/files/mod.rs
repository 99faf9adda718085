//! Files of a release, served as they are.
//!
//! Reads go through one directory handle and never leave it: no `..`, no link out of it, no device.
//! Reading happens on the worker's own thread: release trees are in the page cache when they are
//! asked for often, and a thread pool would cost more than it saves.

mod answer;
mod conditions;
mod content_type;
mod lookup;
mod path;
mod root;

pub(crate) use root::{Ask, FileRoot};
