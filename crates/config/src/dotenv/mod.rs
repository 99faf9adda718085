//! Env files, in the dialect that Docker Compose reads.
//!
//! One variable per line, `NAME=value` or `NAME: value`, with an optional `export` before it.
//! Values stand bare (up to ` #`), in single quotes (taken as they are) or in double quotes
//! (with escapes); quoted values may go over several lines. Bare and double-quoted values may
//! refer to variables, of the caller's first and of the lines above then: `$A`, `${A}`,
//! `${A:-default}`, `${A-default}`, `${A:?error}`, `${A?error}`, `${A:+other}`, `${A+other}`,
//! nested at will; `$$` is a `$`, and so is a `$` before anything else. A name without a value
//! takes that of the caller, or is left out.
//!
//! This module reads no file and no environment by itself.

mod escapes;
mod parser;
mod raw;

use std::ops::Range;
use std::sync::Arc;

use crate::diagnostics::{Diagnostics, Source};
use parser::{Strictness, Surroundings};

/// The variables of an env file.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct EnvFile {
    /// In the order of the file. Where a name comes twice, the last one counts.
    pub entries: Vec<Entry>,
}

/// A variable of an env file.
#[derive(Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its name.
    pub name: String,
    /// Its value, complete.
    pub value: String,
    /// Byte range of its name in the file.
    pub span: Range<usize>,
}

impl std::fmt::Debug for Entry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Values of env files are secrets more often than not.
        f.debug_struct("Entry")
            .field("name", &self.name)
            .field("span", &self.span)
            .finish_non_exhaustive()
    }
}

/// Reads the text of an env file. `lookup` is asked for the caller's variables.
///
/// # Errors
/// Every line that cannot be read. Diagnostics name the line; they never quote it when the
/// source is confidential.
pub fn parse(
    source: &Arc<Source>,
    lookup: &dyn Fn(&str) -> Option<String>,
) -> Result<EnvFile, Diagnostics> {
    let surroundings = Surroundings {
        lookup,
        earlier: &|_| None,
        strictness: Strictness::Careful,
    };
    parser::parse(source, &surroundings)
}

/// The same for a file of a Compose project: what Compose accepts is accepted. `earlier` is asked
/// for the variables of files before it, after `lookup` and after the lines above.
///
/// # Errors
/// Every line that Compose cannot read.
pub(crate) fn parse_as_compose(
    source: &Arc<Source>,
    lookup: &dyn Fn(&str) -> Option<String>,
    earlier: &dyn Fn(&str) -> Option<String>,
) -> Result<EnvFile, Diagnostics> {
    let surroundings = Surroundings {
        lookup,
        earlier,
        strictness: Strictness::AsCompose,
    };
    parser::parse(source, &surroundings)
}

/// Reads the text of an env file without quotes, escapes and references: what stands after `=` is
/// the value. `lookup` is asked for names without one.
///
/// # Errors
/// Every line that cannot be read.
pub(crate) fn parse_raw(
    source: &Arc<Source>,
    lookup: &dyn Fn(&str) -> Option<String>,
) -> Result<EnvFile, Diagnostics> {
    raw::parse(source, lookup)
}
