//! `landfall releases`.

use clap::Args;
use jiff::Timestamp;
use landfall_agent::api::types::ReleaseView;

use super::target::{client_to_look, known, say_never_deployed};
use crate::command_error::CommandResult;
use crate::context::Context;
use crate::exit::ExitCode;
use crate::render;

/// List releases, and which of them a rollback can return to
///
/// Examples:
///   landfall releases
///   landfall releases --json | jq '.[] | select(.live)'
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub struct ReleasesArgs {}

/// Lists releases.
///
/// # Errors
/// When the agent cannot be reached.
pub async fn cmd_releases(context: &Context, _: &ReleasesArgs) -> CommandResult {
    let printer = &context.printer;
    let project = context.project()?;
    let releases: Option<Vec<ReleaseView>> = match client_to_look(context).await? {
        Some(client) => known(client.get(&project.api("/releases")).await)?,
        None => None,
    };
    let releases = releases.unwrap_or_default();
    printer.json(&releases);
    match releases.is_empty() {
        true => say_never_deployed(context, &project),
        false => {
            let (now, width) = (Timestamp::now(), printer.width());
            printer.show(render::releases(&releases, now, printer.paint(), width));
        }
    }
    Ok(ExitCode::Ok)
}
