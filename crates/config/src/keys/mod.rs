//! Every key of `landfall.toml`: its type, default, meaning and an example.
//!
//! This registry is the one source of what is accepted, of the suggestions for typing mistakes,
//! of the JSON schema and of the reference, so they cannot differ.

mod app;
mod checks;
mod kind;
mod reference;
mod schema;
mod service;

pub(crate) use app::{COMPOSE, ENVIRONMENT, ROOT, ROUTE, TASK};
pub(crate) use checks::{BODY, EXPECT, SMOKE, VERSION, WATCH};
pub(crate) use kind::Kind;
pub use reference::reference_markdown;
pub use schema::schema;
pub(crate) use service::{BUILD, ENV_FILE, LIMITS, OUTPUT, READY, RESTART, SERVICE, STATIC, STOP};

/// A table of `landfall.toml`.
#[derive(Debug)]
pub(crate) struct Section {
    /// Its name in the schema.
    pub(crate) id: &'static str,
    /// Its name for people.
    pub(crate) title: &'static str,
    /// What it is for.
    pub(crate) doc: &'static str,
    /// Its keys, in the order of the reference.
    pub(crate) keys: &'static [Key],
}

/// A key of a [`Section`].
#[derive(Debug)]
pub(crate) struct Key {
    pub(crate) name: &'static str,
    pub(crate) kind: Kind,
    pub(crate) required: bool,
    /// What holds without it; empty when there is nothing to say.
    pub(crate) default: &'static str,
    pub(crate) doc: &'static str,
    /// A value as it is written in TOML.
    pub(crate) example: &'static str,
    /// What other tools call it.
    pub(crate) aliases: &'static [&'static str],
}

impl Section {
    pub(crate) fn key(&self, name: &str) -> Option<&Key> {
        self.keys.iter().find(|key| key.name == name)
    }
}

/// The key `name` of type `kind`; `example` is a value as it is written in TOML.
const fn key(name: &'static str, kind: Kind, example: &'static str, doc: &'static str) -> Key {
    Key {
        name,
        kind,
        required: false,
        default: "",
        doc,
        example,
        aliases: &[],
    }
}

/// A key that later versions will know.
const fn later(name: &'static str) -> Key {
    key(name, Kind::Later, "", "")
}

impl Key {
    const fn required(mut self) -> Self {
        self.required = true;
        self
    }

    const fn default(mut self, default: &'static str) -> Self {
        self.default = default;
        self
    }

    const fn aliases(mut self, aliases: &'static [&'static str]) -> Self {
        self.aliases = aliases;
        self
    }
}
