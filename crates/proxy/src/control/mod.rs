//! The control socket: snapshots in, status and counters out, and take-over by a successor.
//!
//! Nothing on the way of a request waits for anything here.

mod apply;
mod handover;
mod message;
mod server;
mod successor;

pub(crate) use apply::Control;
pub(crate) use server::{ControlSocket, serve_control};
pub(crate) use successor::{Inheritance, Predecessor, inherit};
