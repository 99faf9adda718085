//! The app that a command is about: its `landfall.toml`, found upwards from the working directory.
//!
//! Commands that look at what runs need the app's name only, so a broken file keeps nobody from
//! logs or a rollback. Commands that deploy load the whole file, and show all that is wrong in it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use landfall_config::{Diagnostics, LoadRequest, LoadedApp};
use landfall_model::{AppName, EnvironmentName, ServerAddress};

use crate::ci;
use crate::command_error::{CommandError, CommandResult, ErrorKind};
use crate::printer::Printer;
use crate::variables::variables;

/// An app and the environment of it that was asked for.
#[derive(Debug, Clone)]
pub struct Project {
    /// The directory of that.
    pub root: PathBuf,
    /// The app.
    pub app: AppName,
    /// The environment.
    pub environment: EnvironmentName,
}

impl Project {
    /// Finds the file and reads the app's name from it.
    ///
    /// # Errors
    /// When there is no file, or it names no app.
    pub fn locate(file: Option<&Path>, environment: &EnvironmentName) -> CommandResult<Self> {
        let file = find(file)?;
        let text = std::fs::read_to_string(&file).map_err(|error| {
            CommandError::from_error(ErrorKind::Config, &error)
                .during(format!("failed to read {}", file.display()))
        })?;
        Ok(Self {
            root: file.parent().unwrap_or(Path::new("/")).to_owned(),
            app: app_name(&file, &text)?,
            environment: environment.clone(),
        })
    }

    /// The path of the environment in the agent's API, with something below it.
    pub fn api(&self, below: &str) -> String {
        let (app, environment) = (&self.app, &self.environment);
        format!("/v1/environments/{app}/{environment}{below}")
    }
}

/// The servers of the environments that a file names. The rest of the file may be wrong.
///
/// # Errors
/// When it cannot be read, is not TOML, or names a server that is none.
pub fn servers(file: &Path) -> CommandResult<BTreeMap<EnvironmentName, ServerAddress>> {
    let text = std::fs::read_to_string(file).map_err(|error| {
        CommandError::from_error(ErrorKind::Config, &error)
            .during(format!("failed to read {}", file.display()))
    })?;
    let broken = |message: String| {
        CommandError::new(ErrorKind::Config, message)
            .during(format!("failed to find the servers in {}", file.display()))
            .hint("`landfall check` shows all that is wrong in the file")
    };
    let table: toml::Table = toml::from_str(&text)
        .map_err(|error| broken(format!("it is not TOML: {}", error.message())))?;
    let environments = table.get("environment").and_then(toml::Value::as_table);
    let named = environments
        .into_iter()
        .flatten()
        .filter_map(|(name, environment)| Some((name, environment.get("server")?.as_str()?)));
    named
        .map(|(name, server)| {
            let name = name.parse().map_err(|error| broken(format!("{error}")))?;
            let server = server.parse().map_err(|error| broken(format!("{error}")))?;
            Ok((name, server))
        })
        .collect()
}

/// Reads the whole file and shows warnings.
///
/// # Errors
/// When anything in it is wrong: all of it at once, with lines and fixes.
pub fn load(
    printer: &Printer,
    file: Option<&Path>,
    environment: &EnvironmentName,
) -> CommandResult<LoadedApp> {
    load_as(printer, file, environment, None)
}

/// As [`load`], as if the file said that the app adopts a Compose project.
///
/// # Errors
/// As [`load`].
pub fn load_as(
    printer: &Printer,
    file: Option<&Path>,
    environment: &EnvironmentName,
    adopts: Option<String>,
) -> CommandResult<LoadedApp> {
    let file = find(file)?;
    let loaded = read(printer, &file, environment, adopts)?;
    if !loaded.warnings.is_empty() {
        printer.error(rendered(printer, &loaded.warnings));
        for warning in ci::annotations(&serde_json::to_value(&loaded.warnings).unwrap_or_default())
        {
            printer.annotate(|| warning);
        }
    }
    Ok(loaded)
}

/// Reads the whole file; what is only a warning is not said.
///
/// # Errors
/// When anything in it is wrong.
pub fn read(
    printer: &Printer,
    file: &Path,
    environment: &EnvironmentName,
    adopts: Option<String>,
) -> CommandResult<LoadedApp> {
    let request = LoadRequest {
        variables: variables().collect(),
        adopts,
        ..LoadRequest::new(as_shown(file), environment.clone())
    };
    landfall_config::load(&request).map_err(|found| config_error(printer, &found))
}

/// The path as a person in the working directory would write it.
fn as_shown(file: &Path) -> PathBuf {
    let here = std::env::current_dir().unwrap_or_default();
    file.strip_prefix(&here).unwrap_or(file).to_owned()
}

/// The file of an app: the one that is named, or the nearest.
///
/// # Errors
/// When there is none.
pub fn find(file: Option<&Path>) -> CommandResult<PathBuf> {
    if let Some(file) = file {
        if !file.is_file() {
            let message = format!("there is no file {}", file.display());
            return Err(CommandError::new(ErrorKind::Config, message));
        }
        return Ok(std::path::absolute(file)?);
    }
    let here = std::env::current_dir()?;
    landfall_config::find(&here).ok_or_else(|| {
        let message = format!(
            "there is no landfall.toml in {} or above it",
            here.display()
        );
        CommandError::new(ErrorKind::Config, message)
            .hint("`landfall init` writes one from what is there; `--file` names one elsewhere")
    })
}

fn app_name(file: &Path, text: &str) -> CommandResult<AppName> {
    let broken = |message: String| {
        CommandError::new(ErrorKind::Config, message)
            .during(format!(
                "failed to find the app's name in {}",
                file.display()
            ))
            .hint("`landfall check` shows all that is wrong in the file")
    };
    let table: toml::Table = toml::from_str(text)
        .map_err(|error| broken(format!("it is not TOML: {}", error.message())))?;
    let name = table
        .get("app")
        .and_then(toml::Value::as_str)
        .ok_or_else(|| broken("it has no `app = \"…\"`".into()))?;
    name.parse().map_err(|error| broken(format!("{error}")))
}

/// All that is wrong in files, as the end of a command.
pub fn config_error(printer: &Printer, found: &Diagnostics) -> CommandError {
    let message = match found.error_count() {
        1 => "1 error in the configuration".to_owned(),
        count => format!("{count} errors in the configuration"),
    };
    let diagnostics = serde_json::to_value(found).unwrap_or_default();
    CommandError::new(ErrorKind::Config, message)
        .rendered(rendered(printer, found))
        .with_data("diagnostics", diagnostics)
}

/// Diagnostics as they are shown on stderr.
pub fn rendered(printer: &Printer, found: &Diagnostics) -> String {
    landfall_config::render(found, printer.err_paint().is_on(), printer.width())
}
