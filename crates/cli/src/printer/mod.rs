//! The one place that writes to stdout and stderr.
//!
//! Data goes to stdout: the one JSON document of `--json`, or what a person asked to see. What
//! tells how the work goes is for people alone: it moves to stderr under `--json` and is silent
//! under `--quiet`. Owns whether colours, a live display and a terminal width exist. Knows
//! nothing of deployments.

#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "this module is where the binary prints"
)]

mod group;
pub mod human;
mod live;
mod paint;
mod sanitize;
mod table;
mod terminal;
pub mod text;
mod workflow;

use std::io::{self, IsTerminal, Write};
use std::sync::atomic::{AtomicBool, Ordering};

use serde::Serialize;

pub use group::Group;
pub use live::{LiveStep, NAME_WIDTH};
pub use paint::{Paint, Tone};
pub use sanitize::{keep_colours, plain, plain_lines};
pub use table::{Cell, Table};
pub use workflow::Annotation;

/// When colours are used.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum ColorChoice {
    /// On a terminal, unless NO_COLOR is set.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// How work that goes on is shown.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Display {
    /// Live on a terminal, line by line elsewhere.
    #[default]
    Auto,
    /// Line by line.
    Lines,
    /// Line by line, with groups and annotations as GitHub Actions has them.
    GitHub,
}

/// How to print.
#[derive(Debug, Clone, Copy, Default)]
pub struct PrinterOptions {
    /// One JSON document on stdout, nothing else.
    pub json: bool,
    /// Only what was asked for, and errors.
    pub quiet: bool,
    /// Colours.
    pub color: ColorChoice,
    /// How work that goes on is shown.
    pub display: Display,
}

/// Prints.
pub struct Printer {
    options: PrinterOptions,
    out: Paint,
    err: Paint,
    width: usize,
    is_live: bool,
    is_broken: AtomicBool,
}

impl Printer {
    /// A printer for this process's stdout and stderr.
    pub fn new(options: PrinterOptions) -> Self {
        let is_auto = options.display == Display::Auto;
        let human_is_tty = match options.json {
            true => io::stderr().is_terminal(),
            false => io::stdout().is_terminal(),
        };
        Self {
            options,
            out: Paint::new(paint::wanted(options.color, io::stdout().is_terminal())),
            err: Paint::new(paint::wanted(options.color, io::stderr().is_terminal())),
            width: terminal::width(),
            is_live: is_auto && human_is_tty && !options.quiet && terminal::is_capable(),
            is_broken: AtomicBool::new(false),
        }
    }

    /// Whether the answer is JSON.
    pub fn is_json(&self) -> bool {
        self.options.json
    }

    /// Whether a live display is wanted and possible.
    pub fn is_live(&self) -> bool {
        self.is_live
    }

    /// Whether lines are grouped and remarks annotate.
    fn has_groups(&self) -> bool {
        self.options.display == Display::GitHub
    }

    /// Whether a person sits at the terminal and can be asked.
    pub fn can_ask(&self) -> bool {
        self.options.display == Display::Auto
            && io::stdin().is_terminal()
            && io::stderr().is_terminal()
    }

    /// Whether nobody reads stdout any more: time to end quietly.
    pub fn is_broken(&self) -> bool {
        self.is_broken.load(Ordering::Relaxed)
    }

    /// Columns to write in.
    pub fn width(&self) -> usize {
        self.width
    }

    /// Colours of what [`Printer::say`] and [`Printer::show`] write.
    pub fn paint(&self) -> Paint {
        if self.options.json {
            self.err
        } else {
            self.out
        }
    }

    /// Colours of stderr.
    pub fn err_paint(&self) -> Paint {
        self.err
    }

    /// Tells a person how the work goes: a line, or several.
    pub fn say(&self, text: impl AsRef<str>) {
        if self.options.quiet {
            return;
        }
        match self.options.json {
            true => self.write_err(text.as_ref()),
            false => self.write_out(text.as_ref()),
        }
    }

    /// Shows a person what they asked for; not under `--json`, where the document says it.
    pub fn show(&self, text: impl AsRef<str>) {
        if !self.options.json {
            self.write_out(text.as_ref());
        }
    }

    /// Writes text that is the same with and without `--json`.
    pub fn data(&self, text: impl AsRef<str>) {
        self.write_out(text.as_ref());
    }

    /// Writes the JSON document, or one line of several, if JSON was asked for.
    pub fn json(&self, value: &impl Serialize) {
        if self.options.json {
            self.write_json(value, serde_json::to_string_pretty(value));
        }
    }

    /// Writes one line of newline-delimited JSON, if JSON was asked for.
    pub fn json_line(&self, value: &impl Serialize) {
        if self.options.json {
            self.write_json(value, serde_json::to_string(value));
        }
    }

    /// A remark on stderr.
    pub fn note(&self, text: impl AsRef<str>) {
        if !self.options.quiet {
            self.write_err(&self.err.tone(Tone::Faint, text.as_ref()));
        }
    }

    /// A warning on stderr.
    pub fn warn(&self, text: impl AsRef<str>) {
        self.annotate(|| Annotation {
            title: "landfall".into(),
            message: text.as_ref().into(),
            ..Annotation::default()
        });
        let label = self.err.tone(Tone::Warn, "warning:");
        self.write_err(&format!("{label} {}", text.as_ref()));
    }

    /// An error on stderr, whole.
    pub fn error(&self, text: impl AsRef<str>) {
        self.write_err(text.as_ref());
    }

    /// A remark for those who look at a run from outside, where there is a place for such. What it
    /// says has to be printed besides.
    pub fn annotate(&self, annotation: impl FnOnce() -> Annotation) {
        if self.has_groups() {
            self.write_err(&annotation().command());
        }
    }

    /// Asks a question that `y` answers.
    ///
    /// # Errors
    /// When stdin cannot be read.
    pub fn confirm(&self, question: &str) -> io::Result<bool> {
        let hint = self.err.tone(Tone::Faint, "[y/N]");
        self.write_err_raw(&format!("{question} {hint} "));
        let mut answer = String::new();
        io::stdin().read_line(&mut answer)?;
        Ok(matches!(answer.trim(), "y" | "Y" | "yes"))
    }

    /// Asks for something that is not shown while it is typed.
    ///
    /// # Errors
    /// When stdin cannot be read.
    pub fn ask_hidden(&self, question: &str) -> io::Result<String> {
        self.write_err_raw(&format!("{question} "));
        let hidden = terminal::Hidden::begin()?;
        let mut answer = String::new();
        let read = io::stdin().read_line(&mut answer);
        drop(hidden);
        self.write_err("");
        read?;
        Ok(answer.trim_end_matches(['\n', '\r']).to_owned())
    }

    /// The lines of steps, one after the other.
    pub fn group(&self) -> Group<'_> {
        Group::new(self)
    }

    /// A live line for a step, where [`Printer::is_live`].
    pub fn live_step(&self) -> LiveStep {
        LiveStep::new(self.options.json, self.paint(), self.width)
    }

    fn write_json<T>(&self, _: &T, text: serde_json::Result<String>) {
        match text {
            Ok(text) => self.write_out(&text),
            Err(error) => self.write_err(&format!("failed to write JSON: {error}")),
        }
    }

    fn write_out(&self, text: &str) {
        let mut stdout = io::stdout().lock();
        let newline = if text.ends_with('\n') { "" } else { "\n" };
        let written = write!(stdout, "{text}{newline}").and_then(|()| stdout.flush());
        // Nobody reads: nothing is left to say, and nobody to say it to.
        if written.is_err() {
            self.is_broken.store(true, Ordering::Relaxed);
        }
    }

    fn write_err(&self, text: &str) {
        let newline = if text.ends_with('\n') { "" } else { "\n" };
        self.write_err_raw(&format!("{text}{newline}"));
    }

    fn write_err_raw(&self, text: &str) {
        // A stderr that nobody reads changes nothing about the work.
        let _ = io::stderr().lock().write_all(text.as_bytes());
    }
}
