//! What is wrong with a file, where, and what to do about it.

mod render;
mod source;
mod suggest;

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use serde::ser::{Serialize, SerializeStruct, Serializer};

pub use render::render;
pub use source::Source;
pub(crate) use suggest::nearest;

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    /// Nothing can be done with the file as it is.
    Error,
    /// It works, but hardly as it was meant.
    Warning,
}

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Diagnostic {
    /// How bad it is.
    pub severity: Severity,
    /// Stable, kebab-case; for machines.
    pub code: &'static str,
    /// What is wrong, as a lower-case fragment.
    pub message: String,
    /// The places that it is about, the primary one first.
    pub labels: Vec<Label>,
    /// What to do, where that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fix: Option<String>,
}

/// A place in a file, and what is to be said about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Label {
    /// The file.
    pub file: Arc<Source>,
    /// Byte range in its text.
    pub span: Range<usize>,
    /// What is to be said about it; may be empty.
    pub text: String,
    /// Whether this is the place of the mistake, rather than a place that explains it.
    pub primary: bool,
}

impl Diagnostic {
    /// An error without a place yet.
    pub fn error(code: &'static str, message: impl Into<String>) -> Self {
        Self {
            severity: Severity::Error,
            code,
            message: message.into(),
            labels: Vec::new(),
            fix: None,
        }
    }

    /// A warning without a place yet.
    pub fn warning(code: &'static str, message: impl Into<String>) -> Self {
        Self {
            severity: Severity::Warning,
            ..Self::error(code, message)
        }
    }

    /// The same, with the place of the mistake.
    pub fn at(self, file: &Arc<Source>, span: Range<usize>, text: impl Into<String>) -> Self {
        self.label(file, span, text, true)
    }

    /// The same, with a place that explains it.
    pub fn near(self, file: &Arc<Source>, span: Range<usize>, text: impl Into<String>) -> Self {
        self.label(file, span, text, false)
    }

    /// The same, with what to do.
    pub fn fix(mut self, fix: impl Into<String>) -> Self {
        self.fix = Some(fix.into());
        self
    }

    fn label(
        mut self,
        file: &Arc<Source>,
        span: Range<usize>,
        text: impl Into<String>,
        primary: bool,
    ) -> Self {
        self.labels.push(Label {
            file: Arc::clone(file),
            span: file.clamp(span),
            text: text.into(),
            primary,
        });
        self
    }

    /// Where a reader of the file meets it first.
    pub(crate) fn position(&self) -> usize {
        self.labels.first().map_or(0, |label| label.span.start)
    }
}

impl Serialize for Label {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let (line, column) = self.file.line_column(self.span.start);
        let (end_line, end_column) = self.file.line_column(self.span.end);
        let mut json = serializer.serialize_struct("Label", 7)?;
        json.serialize_field("file", self.file.path())?;
        json.serialize_field("line", &line)?;
        json.serialize_field("column", &column)?;
        json.serialize_field("end_line", &end_line)?;
        json.serialize_field("end_column", &end_column)?;
        json.serialize_field("text", &self.text)?;
        json.serialize_field("primary", &self.primary)?;
        json.end()
    }
}

/// All that was found wrong, in the order of the file. As an error it holds an error at least.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize)]
#[serde(transparent)]
pub struct Diagnostics(pub Vec<Diagnostic>);

impl Diagnostics {
    /// Whether nothing was found.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many of them are errors.
    pub fn error_count(&self) -> usize {
        self.errors().count()
    }

    fn errors(&self) -> impl Iterator<Item = &Diagnostic> {
        self.0
            .iter()
            .filter(|diagnostic| diagnostic.severity == Severity::Error)
    }
}

impl fmt::Display for Diagnostics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(first) = self.errors().next() else {
            return f.write_str("no errors");
        };
        if let Some(label) = first.labels.first() {
            let (line, column) = label.file.line_column(label.span.start);
            write!(f, "{}:{line}:{column}: ", label.file.path())?;
        }
        f.write_str(&first.message)?;
        match self.error_count() - 1 {
            0 => Ok(()),
            1 => f.write_str(", and 1 more error"),
            more => write!(f, ", and {more} more errors"),
        }
    }
}

impl std::error::Error for Diagnostics {}

impl From<Diagnostic> for Diagnostics {
    fn from(diagnostic: Diagnostic) -> Self {
        Self(vec![diagnostic])
    }
}
