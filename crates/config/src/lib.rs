//! `landfall.toml`, env files and importers: what people write, read with positions and turned
//! into the model.
//!
//! Every mistake in a file is found in one pass and said with its line, its place and its fix.
//! This crate reads files and nothing else: it starts no process, opens no socket, prints
//! nothing, and takes variables of the caller's environment only as they are handed to it.

mod adopting;
pub mod compose;
mod containers;
mod diagnostics;
pub mod dotenv;
pub mod init;
mod keys;
mod load;
mod reader;
mod sections;
mod template;
mod validate;
mod values;

pub use adopting::adopting;
pub use diagnostics::{Diagnostic, Diagnostics, Label, Severity, Source, render};
pub use keys::{reference_markdown, schema};
pub use load::{FILE_NAME, LoadRequest, LoadedApp, find, load};
pub use sections::BuildOn;
