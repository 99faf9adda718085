//! Connections of clients: read a request, answer it, and again.
//!
//! Everything of one connection runs in one task of one worker. No state here outlives it.

mod answer;
mod buf;
mod client;
mod exchange;
mod forward;
mod receive;
mod reply;
mod request;
mod request_head;
mod response_head;
mod send;
mod serve;
mod static_files;
mod timer;
mod tunnel;
mod visitor;

pub(crate) use buf::{Buf, Buffers};
pub(crate) use client::RestState;
pub(crate) use forward::on_connect_error;
pub(crate) use reply::reason;
pub(crate) use serve::serve;
pub(crate) use tunnel::tunnel;
