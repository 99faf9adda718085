//! `landfall schema`.

use clap::Args;

use crate::command_error::CommandResult;
use crate::context::Context;
use crate::exit::ExitCode;

/// Print the JSON schema of landfall.toml
///
/// Editors use it to complete and check the file while you write it.
///
/// Examples:
///   landfall schema > landfall.schema.json
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub struct SchemaArgs {}

/// Prints the schema.
///
/// # Errors
/// When it cannot be written as JSON.
pub fn cmd_schema(context: &Context, _: &SchemaArgs) -> CommandResult {
    let schema = serde_json::to_string_pretty(&landfall_config::schema())
        .map_err(|error| crate::command_error::CommandError::unexpected(error.to_string()))?;
    context.printer.data(schema);
    Ok(ExitCode::Ok)
}
