//! Compose files: compared with Compose itself, and what is said about those that are wrong.

mod cases;
mod diagnostics;
#[path = "../../../../xtask/src/difference.rs"]
mod difference;
mod hostile;
mod oracle;
mod project;
mod support;
