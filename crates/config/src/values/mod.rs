//! What strings in `landfall.toml` mean: pure functions from text to a value or a problem.

mod command;
mod duration;
mod glob;
mod host;
mod http;
mod path;
mod signal;
mod size;
mod status;
mod template;
#[cfg(test)]
mod tests;

pub(crate) use command::{argv, argv_warning, shell};
pub(crate) use duration::duration;
pub(crate) use glob::glob;
pub(crate) use host::host;
pub(crate) use http::{header_name, header_value, media_type, regex};
pub(crate) use path::{inside, relative, request_path, route_path};
pub(crate) use signal::signal;
pub(crate) use size::size;
pub(crate) use status::{DEFAULT_STATUS, status, status_number};
pub(crate) use template::template;

use crate::reader::Problem;

/// A name, by the rule of its type.
pub(crate) fn name<T>(text: &str) -> Result<T, Problem>
where
    T: std::str::FromStr<Err = landfall_model::InvalidName>,
{
    text.parse().map_err(|error: landfall_model::InvalidName| {
        let message = format!("{text:?} is not a valid {} name", error.kind);
        let problem = Problem::new("invalid-name", message).label("invalid name");
        problem.fix(error.rule)
    })
}
