//! What is accepted, what is refused, and how that is said.

mod accepted;
mod composed;
mod env_files;
mod hostile;
mod init;
mod keys;
mod refused;
mod support;
