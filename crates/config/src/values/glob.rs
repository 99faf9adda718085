//! Globs.

use globset::GlobBuilder;

use super::path::lexical;
use crate::reader::Problem;

/// A glob relative to a directory that it does not leave, without a leading `./`.
pub(crate) fn glob(text: &str) -> Result<String, Problem> {
    if text.starts_with('!') {
        return Err(
            Problem::new("invalid-glob", "a glob cannot be negated with `!`")
                .label("starts with `!`")
                .fix("name what is left out in `exclude`"),
        );
    }
    let glob = lexical(text)?;
    match GlobBuilder::new(&glob).literal_separator(true).build() {
        Ok(_) => Ok(glob),
        Err(error) => Err(
            Problem::new("invalid-glob", format!("{text:?} is not a valid glob"))
                .label(error.kind().to_string())
                .fix("escape what is meant literally: `[[]` is a `[`, `[{]` is a `{`"),
        ),
    }
}
