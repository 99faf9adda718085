//! `landfall history`.

use clap::Args;
use jiff::Timestamp;
use landfall_agent::api::types::HistoryView;

use super::target::{client_to_look, known, say_never_deployed};
use crate::client::Query;
use crate::command_error::CommandResult;
use crate::context::Context;
use crate::exit::ExitCode;
use crate::render;

/// List what was done: deployments, rollbacks, tasks, by whom, with what result and why
///
/// Examples:
///   landfall history
///   landfall history --limit 5
///   landfall report 12           one deployment in full, as Markdown
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub struct HistoryArgs {
    /// How many of the latest entries
    #[arg(long, short = 'n', value_name = "N", default_value_t = 20)]
    pub limit: u32,
}

/// Lists history.
///
/// # Errors
/// When the agent cannot be reached.
pub async fn cmd_history(context: &Context, args: &HistoryArgs) -> CommandResult {
    let printer = &context.printer;
    let project = context.project()?;
    let path = Query::new(project.api("/history"))
        .with("limit", Some(args.limit))
        .build();
    let history: Option<HistoryView> = match client_to_look(context).await? {
        Some(client) => known(client.get(&path).await)?,
        None => None,
    };
    let history = history.unwrap_or(HistoryView {
        deployments: Vec::new(),
        operations: Vec::new(),
    });
    printer.json(&history);
    match history.deployments.is_empty() && history.operations.is_empty() {
        true => say_never_deployed(context, &project),
        false => {
            let (now, width) = (Timestamp::now(), printer.width());
            printer.show(render::history(&history, now, printer.paint(), width));
        }
    }
    Ok(ExitCode::Ok)
}
