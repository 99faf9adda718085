//! From the tables of a document to drafts of the model, section by section.
//!
//! A section reads its own keys and nothing else. What concerns several of them is decided in
//! `validate`, for which drafts keep the places of names.

mod app;
mod build;
mod command;
mod compose;
mod container;
mod env;
mod environment;
mod process;
mod ready;
mod route;
mod service;
mod smoke;
mod task;
mod version;
mod watch;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use landfall_model::{EnvironmentName, ServiceName};

pub(crate) use app::{AppDraft, read as read_app};
pub use environment::BuildOn;
pub(crate) use environment::{EnvironmentDraft, Hosts, LOCAL, environments};
pub(crate) use process::default_life;
pub(crate) use ready::default_ready;
pub(crate) use route::RouteDraft;
pub(crate) use service::ServiceDraft;
pub(crate) use task::TaskDraft;

use crate::reader::{Context, Span};

/// What sections need besides their table.
pub(crate) struct Scope<'a> {
    pub(crate) context: &'a Context,
    /// Directory of `landfall.toml`, canonical.
    pub(crate) root: &'a Path,
    /// What env files may refer to.
    pub(crate) variables: &'a BTreeMap<String, String>,
    /// Whether files beside `landfall.toml` are read: not for environments that are only checked.
    pub(crate) read_files: bool,
    pub(crate) files_read: &'a RefCell<Vec<PathBuf>>,
    pub(crate) hosts: &'a Hosts,
    pub(crate) environment: &'a EnvironmentName,
    /// The Compose project that is taken over, whatever the file says.
    pub(crate) adopts: Option<&'a str>,
}

/// The name of a service where it is used, and its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Use {
    pub(crate) service: ServiceName,
    pub(crate) span: Span,
}

impl Use {
    /// The name that `node` holds.
    fn read(node: crate::reader::Node<'_>) -> Option<Self> {
        let service = node.parse("the name of a service", crate::values::name)?;
        Some(Self {
            service,
            span: node.span,
        })
    }
}
