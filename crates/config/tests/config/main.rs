//! What is accepted, what is refused, and how that is said.

mod accepted;
mod init;
mod keys;
mod refused;
mod support;
