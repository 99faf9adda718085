//! `landfall config`.

use std::path::PathBuf;

use clap::Args;
use landfall_config::compose::{self, LoadRequest};

use crate::command_error::CommandResult;
use crate::context::Context;
use crate::exit::ExitCode;
use crate::project;
use crate::render;
use crate::variables::variables;

/// Show what Compose files say, resolved
///
/// Reads Compose files as Docker Compose does: variables, `.env`, several files, `include`,
/// `extends` and profiles are resolved. Shows the services that come out, and names every key
/// that running them as containers would not carry out. Starts nothing and needs no Docker.
///
/// This version reads and shows Compose files; it does not deploy them.
///
/// Examples:
///   landfall config                          compose.yaml and its override, from here or above
///   landfall config -f compose.yaml -f compose.prod.yaml
///   landfall config --profile debug
///   landfall config --json                   as `docker compose config --format json`
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub struct ConfigArgs {
    /// A Compose file; more of them are laid over it, in their order
    #[arg(short = 'f', long = "compose-file", value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// A profile to enable; `*` enables all
    #[arg(long = "profile", value_name = "NAME")]
    pub profiles: Vec<String>,
}

/// Shows.
///
/// # Errors
/// When anything in the files is wrong: all of it at once, with lines and fixes.
pub fn cmd_config(context: &Context, args: &ConfigArgs) -> CommandResult {
    let printer = &context.printer;
    let request = LoadRequest {
        directory: std::env::current_dir()?,
        files: args.files.clone(),
        variables: variables().collect(),
        profiles: args.profiles.clone(),
    };
    let loaded = compose::load(&request).map_err(|found| project::config_error(printer, &found))?;
    if !loaded.warnings.is_empty() {
        printer.error(project::rendered(printer, &loaded.warnings));
    }
    let text = render::compose(
        &loaded.project,
        &request.directory,
        printer.paint(),
        printer.width(),
    );
    printer.show(text);
    printer.json(&loaded.project.canonical());
    Ok(ExitCode::Ok)
}
