//! `landfall help`.

use clap::Args;
use serde_json::json;

use crate::command_error::CommandResult;
use crate::context::Context;
use crate::exit::{self, ExitCode};
use crate::parse;

/// Teach a command, or list the exit codes
///
/// Examples:
///   landfall help deploy
///   landfall help exit-codes
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub struct HelpArgs {
    /// A command, or `exit-codes`
    #[arg(value_name = "COMMAND")]
    pub topic: Vec<String>,
}

/// Teaches.
///
/// # Errors
/// When there is no such command.
pub fn cmd_help(context: &Context, args: &HelpArgs) -> CommandResult {
    let text = match args.topic.as_slice() {
        [topic] if topic == "exit-codes" => exit::table(),
        topic => parse::help_text(topic, context.printer.paint().is_on())?,
    };
    context.printer.show(&text);
    context.printer.json(&json!({ "help": text }));
    Ok(ExitCode::Ok)
}
