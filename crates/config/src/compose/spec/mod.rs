//! The Compose specification as data: every key, what it takes, and how it is printed.
//!
//! The tables are the one source of what is accepted, of suggestions, and of the canonical form.

mod build;
mod check;
mod deploy;
mod hardware;
mod resources;
mod service;
mod shape;

pub(super) use check::check;
pub(super) use resources::TOP;
pub(super) use shape::{Fields, Form, Key};
