//! Variables of a project: those of the caller, then those of `.env`.

use std::path::{Path, PathBuf};

use super::files::{self, Files};
use super::{LoadRequest, paths};
use crate::compose::interpolate::{Variables, bool_of};
use crate::diagnostics::{Diagnostic, Diagnostics};
use crate::dotenv;

/// What is known before the first Compose file is read.
pub(super) struct Environment {
    /// Absolute paths.
    pub(super) files: Vec<String>,
    /// The directory of the first file.
    pub(super) directory: String,
    pub(super) variables: Variables,
    pub(super) profiles: Vec<String>,
}

/// Finds the files of a project and reads its variables.
pub(super) fn of(request: &LoadRequest, files: &mut Files) -> Result<Environment, Diagnostics> {
    let here = text(&request.directory)?;
    let given = request.files.iter().map(|file| text(file));
    let mut given: Vec<String> = given
        .map(|file| Ok(paths::join(&here, &file?)))
        .collect::<Result<_, Diagnostic>>()?;
    let mut variables = request.variables.clone();
    let near = given
        .first()
        .map_or_else(|| here.clone(), |file| parent(file));
    add_env_files(request, files, &near, &here, &mut variables)?;
    if given.is_empty() {
        given = from_variables(&variables, &here);
    }
    if given.is_empty() {
        let found = files::find(&request.directory);
        given = found
            .iter()
            .map(|file| text(file))
            .collect::<Result<_, _>>()?;
    }
    let Some(first) = given.first() else {
        return Err(files::nothing_found(&request.directory).into());
    };
    let directory = parent(first);
    add_env_files(request, files, &directory, &here, &mut variables)?;
    let profiles = match request.profiles.is_empty() {
        false => request.profiles.clone(),
        true => {
            let listed = variables.get("COMPOSE_PROFILES");
            let listed = listed.map(|text| text.split(',').map(|name| name.trim().to_owned()));
            listed.into_iter().flatten().collect()
        }
    };
    Ok(Environment {
        files: given,
        directory,
        variables,
        profiles,
    })
}

fn text(path: &Path) -> Result<String, Diagnostic> {
    path.to_str().map(str::to_owned).ok_or_else(|| {
        let message = format!("the path {} is not UTF-8", path.display());
        Diagnostic::error("compose-file", message)
    })
}

fn parent(path: &str) -> String {
    let parent = PathBuf::from(path);
    parent
        .parent()
        .map_or_else(|| "/".into(), |parent| parent.display().to_string())
}

/// `COMPOSE_FILE`, separated as it says.
fn from_variables(variables: &Variables, here: &str) -> Vec<String> {
    let Some(listed) = variables.get("COMPOSE_FILE") else {
        return Vec::new();
    };
    let separator = variables.get("COMPOSE_PATH_SEPARATOR").map(String::as_str);
    let separator = separator.filter(|text| !text.is_empty()).unwrap_or(":");
    let files = listed.split(separator);
    files.map(|file| paths::join(here, file)).collect()
}

/// Adds what is not there yet.
fn add_env_files(
    request: &LoadRequest,
    files: &mut Files,
    directory: &str,
    here: &str,
    variables: &mut Variables,
) -> Result<(), Diagnostics> {
    let listed = request
        .variables
        .get("COMPOSE_ENV_FILES")
        .map_or("", String::as_str);
    let mut paths: Vec<String> = listed
        .split(',')
        .filter(|file| !file.is_empty())
        .map(|file| paths::join(here, file))
        .collect();
    let disabled = request.variables.get("COMPOSE_DISABLE_ENV_FILE");
    let disabled = disabled.is_some_and(|text| text == "1" || bool_of(text) == Some(true));
    if paths.is_empty() && !disabled {
        let default = format!("{directory}/.env");
        paths.extend(Path::new(&default).is_file().then_some(default));
    }
    let added = read(files, &paths, variables)?;
    for (name, value) in added {
        variables.entry(name).or_insert(value);
    }
    Ok(())
}

/// The variables of env files, the later ones counting. Values may refer to `known` ones.
pub(super) fn read(
    files: &mut Files,
    paths: &[String],
    known: &Variables,
) -> Result<Variables, Diagnostics> {
    let mut read = Variables::new();
    for path in paths {
        let source = files.read_secret(path)?;
        let earlier = |name: &str| read.get(name).cloned();
        let lookup = |name: &str| known.get(name).cloned();
        let entries = dotenv::parse_as_compose(&source, &lookup, &earlier)?.entries;
        read.extend(entries.into_iter().map(|entry| (entry.name, entry.value)));
    }
    Ok(read)
}
