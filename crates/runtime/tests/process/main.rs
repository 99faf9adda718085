//! The process runtime and its shim, with real processes.

mod basics;
mod bench;
