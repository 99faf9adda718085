//! The process runtime and its shim, with real processes.

mod basics;
mod bench;
mod limits;
mod logs;
mod repair;
mod restarts;
mod secrecy;
#[path = "../support/mod.rs"]
mod support;
mod survival;
mod watching;
