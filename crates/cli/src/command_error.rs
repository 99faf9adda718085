//! What a command can end with besides success: kind, chain, hints, and from these the exit code
//! and the one place where an error is printed.

use std::error::Error;

use serde_json::{Value, json};

use crate::exit::ExitCode;
use crate::printer::{Printer, Tone, text};

/// What kind of failure ended a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorKind {
    /// The command line is wrong.
    Usage,
    /// `landfall.toml` or a Compose file is wrong.
    Config,
    /// The request contradicts the state of the environment, or is not allowed.
    Refused,
    /// A deployment ended before it began: a build failed.
    Stopped,
    /// The agent cannot be reached or started.
    Unreachable,
    /// The demo saw something else than it expects.
    Demo,
    /// A defect of Landfall or of the machine.
    Unexpected,
}

impl ErrorKind {
    fn exit(self) -> ExitCode {
        match self {
            Self::Usage | Self::Config => ExitCode::Usage,
            Self::Refused => ExitCode::Refused,
            Self::Stopped => ExitCode::Stopped,
            Self::Unreachable => ExitCode::Unreachable,
            Self::Demo => ExitCode::DemoFailed,
            Self::Unexpected => ExitCode::Unexpected,
        }
    }

    fn word(self) -> &'static str {
        match self {
            Self::Usage => "usage",
            Self::Config => "config",
            Self::Refused => "refused",
            Self::Stopped => "stopped",
            Self::Unreachable => "unreachable",
            Self::Demo => "demo",
            Self::Unexpected => "unexpected",
        }
    }
}

/// The end of a command that did not do what was asked.
#[derive(Debug)]
pub struct CommandError(Box<Parts>);

#[derive(Debug)]
struct Parts {
    kind: ErrorKind,
    message: String,
    causes: Vec<String>,
    hints: Vec<String>,
    /// Text that was rendered already, such as diagnostics with their source lines.
    rendered: Option<String>,
    /// More for machines, by name.
    data: Option<(&'static str, Value)>,
}

/// What a command returns.
pub type CommandResult<T = ExitCode> = Result<T, CommandError>;

impl CommandError {
    /// An error that is known by its message alone.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self(Box::new(Parts {
            kind,
            message: message.into(),
            causes: Vec::new(),
            hints: Vec::new(),
            rendered: None,
            data: None,
        }))
    }

    /// An error with its chain of causes.
    pub fn from_error(kind: ErrorKind, error: &(dyn Error + 'static)) -> Self {
        let mut causes = Vec::new();
        let mut source = error.source();
        while let Some(cause) = source {
            causes.push(cause.to_string());
            source = cause.source();
        }
        let mut all = Self::new(kind, error.to_string());
        all.0.causes = causes;
        all
    }

    /// A wrong command line or state that the user must change.
    pub fn usage(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Usage, message)
    }

    /// A defect.
    pub fn unexpected(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Unexpected, message)
    }

    /// Whether the agent could not be asked.
    pub fn is_unreachable(&self) -> bool {
        self.0.kind == ErrorKind::Unreachable
    }

    /// Puts what was tried in front of what went wrong.
    pub fn during(mut self, operation: impl Into<String>) -> Self {
        let message = std::mem::replace(&mut self.0.message, operation.into());
        self.0.causes.insert(0, message);
        self
    }

    /// The same with something to try.
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.0.hints.push(hint.into());
        self
    }

    /// The same with text that is shown as it is, in place of the message.
    pub fn rendered(mut self, text: impl Into<String>) -> Self {
        self.0.rendered = Some(text.into());
        self
    }

    /// The same with more for machines, under a name of its own in the JSON form.
    pub fn with_data(mut self, name: &'static str, value: Value) -> Self {
        self.0.data = Some((name, value));
        self
    }

    /// What there is for machines under a name.
    pub fn data(&self, name: &str) -> Option<&Value> {
        let (has, value) = self.0.data.as_ref()?;
        (*has == name).then_some(value)
    }

    /// What was tried when it went wrong, outermost first, and what to try.
    pub fn causes_and_hints(&self) -> (&[String], &[String]) {
        (&self.0.causes, &self.0.hints)
    }

    /// What went wrong, in a line.
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// Prints it, once, and gives the exit code.
    pub fn report(&self, printer: &Printer) -> ExitCode {
        printer.json(&self.to_json());
        printer.error(self.to_text(printer));
        self.0.kind.exit()
    }

    /// As `--json` tells it.
    pub fn to_json(&self) -> Value {
        let mut error = json!({
            "kind": self.0.kind.word(),
            "message": self.0.message,
            "causes": self.0.causes,
            "hints": self.0.hints,
            "exit_code": self.0.kind.exit().number(),
        });
        if let Some((name, value)) = &self.0.data {
            error[*name] = value.clone();
        }
        json!({ "error": error })
    }

    fn to_text(&self, printer: &Printer) -> String {
        let paint = printer.err_paint();
        let mut out = String::new();
        if let Some(rendered) = &self.0.rendered {
            out.push_str(rendered.trim_end());
            out.push_str("\n\n");
        }
        let label = paint.tone(Tone::Bad, "error:");
        out.push_str(&format!("{label} {}\n", self.0.message));
        for cause in &self.0.causes {
            let label = paint.tone(Tone::Faint, "caused by:");
            out.push_str(&format!(
                "  {label} {}\n",
                cause.trim_end().replace('\n', "\n             ")
            ));
        }
        for hint in &self.0.hints {
            let label = format!("{} ", paint.tone(Tone::Accent, "hint:"));
            out.push_str(&text::hang(&label, 6, hint, printer.width()));
            out.push('\n');
        }
        out
    }
}

impl From<std::io::Error> for CommandError {
    fn from(error: std::io::Error) -> Self {
        Self::from_error(ErrorKind::Unexpected, &error)
    }
}

impl From<landfall_runtime::RuntimeError> for CommandError {
    fn from(error: landfall_runtime::RuntimeError) -> Self {
        Self::from_error(ErrorKind::Unexpected, &error)
    }
}
