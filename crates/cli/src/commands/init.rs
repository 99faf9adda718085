//! `landfall init`.

use std::fs::OpenOptions;
use std::io::{ErrorKind as IoKind, Write};
use std::path::Path;

use clap::Args;
use landfall_config::init::{InitError, InitNote, InitNoteKind, InitProposal, detect};
use serde_json::json;

use crate::command_error::{CommandError, CommandResult, ErrorKind};
use crate::context::Context;
use crate::exit::ExitCode;
use crate::printer::{Printer, Tone, text};

/// Write a landfall.toml from what is there
///
/// Reads what the project has (package.json, Procfile, a PM2 file, pyproject.toml, Cargo.toml) as
/// data, runs nothing, and says what it took from where. Never overwrites a file.
///
/// Examples:
///   landfall init            write landfall.toml here
///   landfall init --print    only show it
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub struct InitArgs {
    /// Show the file and write nothing
    #[arg(long)]
    pub print: bool,
}

/// Writes the file.
///
/// # Errors
/// When there is one already, or nothing to make one from.
pub fn cmd_init(context: &Context, args: &InitArgs) -> CommandResult {
    let printer = &context.printer;
    let dir = std::env::current_dir()?;
    let proposal = detect(&dir).map_err(|error| cannot(&error))?;
    let file = dir.join(landfall_config::FILE_NAME);
    if args.print {
        printer.show(&proposal.toml);
        for note in &proposal.notes {
            printer.note(tell(printer, note));
        }
    } else {
        write_new(&file, &proposal.toml)?;
        say_written(printer, &file, &proposal);
    }
    printer.json(&json!({
        "written": !args.print,
        "file": file,
        "toml": proposal.toml,
        "notes": proposal.notes,
    }));
    Ok(ExitCode::Ok)
}

fn cannot(error: &InitError) -> CommandError {
    let failed = CommandError::from_error(ErrorKind::Config, error);
    match error {
        InitError::AlreadyThere(_) => failed.hint("`landfall check` tells what it says"),
        InitError::NothingFound(_) => failed.hint(
            "a landfall.toml needs little: an app's name, a [service.web] with `run`, and a \
             [[route]]; docs/reference/landfall.toml.md lists all keys",
        ),
        InitError::Unusable { .. } => failed,
    }
}

/// Writes a file that is not there yet, whoever else writes at the same moment.
fn write_new(file: &Path, text: &str) -> CommandResult<()> {
    let created = OpenOptions::new().write(true).create_new(true).open(file);
    let written = created.and_then(|mut file| file.write_all(text.as_bytes()));
    written.map_err(|error| {
        let kind = match error.kind() {
            IoKind::AlreadyExists => ErrorKind::Config,
            _ => ErrorKind::Unexpected,
        };
        CommandError::from_error(kind, &error).during(format!("failed to write {}", file.display()))
    })
}

fn say_written(printer: &Printer, file: &Path, proposal: &InitProposal) {
    let paint = printer.paint();
    let mark = paint.tone(Tone::Good, "✓");
    printer.show(format!("{mark} wrote {}\n", file.display()));
    for note in &proposal.notes {
        printer.show(tell(printer, note));
    }
    let command = |text: &str| paint.tone(Tone::Accent, &format!("`{text}`"));
    printer.show(format!(
        "\nLook it over, then {} shows what a deploy would do, and {} does it.",
        command("landfall plan"),
        command("landfall deploy"),
    ));
}

fn tell(printer: &Printer, note: &InitNote) -> String {
    let paint = printer.paint();
    let (tone, word) = match note.kind {
        InitNoteKind::Took => (Tone::Good, "took"),
        InitNoteKind::Skipped => (Tone::Faint, "left out"),
        InitNoteKind::Check => (Tone::Warn, "look at"),
    };
    let from = match note.from.as_str() {
        "" => String::new(),
        from => format!(" ({from})"),
    };
    let lead = format!("  {} ", paint.tone(tone, &text::pad(word, 8)));
    text::hang(&lead, 11, &format!("{}{from}", note.took), printer.width())
}
