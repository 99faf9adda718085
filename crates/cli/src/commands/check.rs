//! `landfall check`.

use clap::Args;
use serde_json::json;

use crate::command_error::CommandResult;
use crate::context::Context;
use crate::exit::ExitCode;
use crate::printer::Tone;
use crate::project;

/// Check landfall.toml without doing anything
///
/// Reads the file as a deploy would and shows everything that is wrong in it at once, each with
/// its line and its fix. Starts nothing and changes nothing.
#[derive(Debug, Args)]
pub struct CheckArgs {}

/// Checks.
///
/// # Errors
/// When something is wrong in the file.
pub fn cmd_check(context: &Context, _: &CheckArgs) -> CommandResult {
    let printer = &context.printer;
    let loaded = project::load(
        printer,
        context.global.file.as_deref(),
        context.environment(),
    )?;
    let mark = printer.paint().tone(Tone::Good, "✓");
    printer.show(format!(
        "{mark} {} is good",
        loaded.root.join(landfall_config::FILE_NAME).display()
    ));
    printer.json(&json!({
        "ok": true,
        "app": loaded.spec.app,
        "environment": loaded.spec.environment,
        "warnings": loaded.warnings,
    }));
    Ok(ExitCode::Ok)
}
