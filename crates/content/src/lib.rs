//! The content-addressed store: blobs, tree indexes, materialised trees, and images.
//!
//! [`ContentStore`] owns the directory `content/` of a state directory and everything under it. A
//! tree is a [`TreeIndex`] named by the digest of its canonical form; its files are blobs named by
//! the digest of their content. What leaves the store is a copy of its own (a reflink where the
//! filesystem can): whatever an app does to its release tree reaches neither the store nor another
//! release.
//!
//! Trees and images go from one store to another as what is missing: see [`transfer`] and [`image`].
//!
//! This crate knows no SQL, no HTTP and no async runtime; callers run it on blocking threads.

mod batch;
mod blob;
mod disk;
mod error;
mod exclude;
mod garbage;
mod hold;
pub mod image;
mod index;
mod ingest;
mod links;
mod materialise;
mod parallel;
mod path;
mod reader;
mod scan;
mod scratch;
mod store;
pub mod transfer;
mod verify;

pub use error::{ContentError, is_disk_full};
pub use exclude::Exclude;
pub use garbage::Collected;
pub use hold::Hold;
pub use index::{Entry, EntryKind, InvalidTree, TREE_FORMAT, TreeIndex};
pub use ingest::{Ingested, TreeSource};
pub use materialise::Materialised;
pub use path::{InvalidPath, PathFault, TreePath};
pub use store::{ContentStore, STORE_FORMAT};
pub use verify::{Broken, Verified};
