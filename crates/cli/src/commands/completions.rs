//! `landfall completions`.

use clap::{Args, CommandFactory};
use clap_complete::Shell;

use crate::cli::Cli;
use crate::command_error::CommandResult;
use crate::context::Context;
use crate::exit::ExitCode;

/// Print completions for a shell
///
/// Examples:
///   landfall completions bash > ~/.local/share/bash-completion/completions/landfall
///   landfall completions zsh  > ~/.zfunc/_landfall
///   landfall completions fish > ~/.config/fish/completions/landfall.fish
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub struct CompletionsArgs {
    /// The shell
    #[arg(value_enum)]
    pub shell: Shell,
}

/// Prints completions.
///
/// # Errors
/// Never.
pub fn cmd_completions(context: &Context, args: &CompletionsArgs) -> CommandResult {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "landfall", &mut script);
    let script = String::from_utf8_lossy(&script);
    context.printer.show(&*script);
    context.printer.json(&serde_json::json!({
        "shell": args.shell.to_string(),
        "script": script,
    }));
    Ok(ExitCode::Ok)
}
