//! Commands as the user wrote them.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A command of the user's. Only [`CommandSpec::Shell`] ever meets a shell.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CommandSpec {
    /// Program and arguments, run as they are. Never empty.
    Argv(Vec<String>),
    /// Text for `/bin/sh -c`, because the user asked for a shell.
    Shell(String),
}

impl CommandSpec {
    /// The program and arguments to execute.
    pub fn argv(&self) -> Vec<String> {
        match self {
            Self::Argv(argv) => argv.clone(),
            Self::Shell(text) => vec!["/bin/sh".into(), "-c".into(), text.clone()],
        }
    }
}

impl fmt::Display for CommandSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Argv(argv) => f.write_str(&argv.join(" ")),
            Self::Shell(text) => f.write_str(text),
        }
    }
}
