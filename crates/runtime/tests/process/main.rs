//! The process runtime and its shim, with real processes.

mod basics;
mod bench;
mod limits;
mod logs;
mod repair;
mod restarts;
mod secrecy;
mod survival;
mod watching;
