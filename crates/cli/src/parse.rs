//! From arguments to commands. Wrong ones are printed like every other error.

use clap::error::ErrorKind as ClapKind;
use clap::{ColorChoice as ClapColor, CommandFactory, FromArgMatches};

use crate::cli::{Cli, GlobalArgs};
use crate::command_error::{CommandError, CommandResult, ErrorKind};
use crate::exit::ExitCode;
use crate::printer::{ColorChoice, Printer, PrinterOptions};

/// The command, or the exit code of a command line that has none: help, version, mistakes.
pub fn parse(args: &[String]) -> Result<Cli, ExitCode> {
    let printer = Printer::new(early_options(args));
    let command = Cli::command().color(match printer.paint().is_on() {
        true => ClapColor::Always,
        false => ClapColor::Never,
    });
    let matches = command.try_get_matches_from(args);
    let cli = matches.and_then(|matches| Cli::from_arg_matches(&matches));
    cli.map_err(|error| tell(&printer, &error))
}

/// The long help of a command.
///
/// # Errors
/// When there is no such command.
pub fn help_text(topic: &[String], colours: bool) -> CommandResult<String> {
    let color = if colours {
        ClapColor::Always
    } else {
        ClapColor::Never
    };
    let program = std::iter::once("landfall".to_owned());
    let args = program
        .chain(topic.iter().cloned())
        .chain(["--help".to_owned()]);
    match Cli::command().color(color).try_get_matches_from(args) {
        Err(error) if error.kind() == ClapKind::DisplayHelp => Ok(rendered(&error, colours)),
        _ => {
            let message = format!("there is no command {:?}", topic.join(" "));
            Err(CommandError::usage(message).hint("`landfall help` lists them"))
        }
    }
}

/// What must be known to print a mistake in the command line itself.
fn early_options(args: &[String]) -> PrinterOptions {
    let mut options = PrinterOptions::default();
    let mut rest = args
        .iter()
        .map(String::as_str)
        .take_while(|arg| *arg != "--");
    while let Some(arg) = rest.next() {
        let color = match arg {
            "--json" => {
                options.json = true;
                continue;
            }
            "--color" => rest.next(),
            other => other.strip_prefix("--color="),
        };
        options.color = match color {
            Some("always") => ColorChoice::Always,
            Some("never") => ColorChoice::Never,
            _ => options.color,
        };
    }
    options
}

fn tell(printer: &Printer, error: &clap::Error) -> ExitCode {
    match error.kind() {
        ClapKind::DisplayHelp | ClapKind::DisplayVersion => {
            printer.data(rendered(error, printer.paint().is_on()));
            ExitCode::Ok
        }
        _ => {
            let text = rendered(error, printer.err_paint().is_on());
            let first = rendered(error, false);
            let first = first.lines().next().unwrap_or_default();
            let message = first.strip_prefix("error: ").unwrap_or(first);
            printer.json(&CommandError::new(ErrorKind::Usage, message).to_json());
            printer.error(text);
            ExitCode::Usage
        }
    }
}

fn rendered(error: &clap::Error, colours: bool) -> String {
    let text = error.render();
    if colours {
        text.ansi().to_string()
    } else {
        text.to_string()
    }
}

/// The global options of a command line that was parsed.
pub fn split(cli: Cli) -> (GlobalArgs, crate::cli::Command) {
    (cli.global, cli.command)
}
