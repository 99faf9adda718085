//! A cursor over a TOML document that collects what is wrong instead of stopping at it.
//!
//! A [`Node`] is a value with its place. Reading from it gives `None` when it is not what was
//! asked for, and the reason is in the [`Context`] by then; so the code of a section reads like
//! the list of its keys.

mod document;
mod node;
mod table;

use std::cell::RefCell;
use std::ops::Range;
use std::sync::Arc;

pub(crate) use document::{overlay, parse};
pub(crate) use node::Node;
pub(crate) use table::Table;

use crate::diagnostics::{Diagnostic, Source};

/// A byte range of the file that is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Span {
    pub(crate) start: usize,
    pub(crate) end: usize,
}

impl From<Range<usize>> for Span {
    fn from(range: Range<usize>) -> Self {
        Self {
            start: range.start,
            end: range.end,
        }
    }
}

impl From<Span> for Range<usize> {
    fn from(span: Span) -> Self {
        span.start..span.end
    }
}

/// What is wrong with a piece of text, without knowing where the text is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Problem {
    pub(crate) code: &'static str,
    pub(crate) message: String,
    pub(crate) label: String,
    /// The part of the text that is wrong; all of it when `None`.
    pub(crate) part: Option<Range<usize>>,
    pub(crate) fix: Option<String>,
}

impl Problem {
    pub(crate) fn new(code: &'static str, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            label: String::new(),
            part: None,
            fix: None,
        }
    }

    pub(crate) fn label(mut self, label: impl Into<String>) -> Self {
        self.label = label.into();
        self
    }

    pub(crate) fn part(mut self, part: Range<usize>) -> Self {
        self.part = Some(part);
        self
    }

    pub(crate) fn fix(mut self, fix: impl Into<String>) -> Self {
        self.fix = Some(fix.into());
        self
    }
}

/// The file that is read, and what was found wrong with it so far.
#[derive(Debug)]
pub(crate) struct Context {
    source: Arc<Source>,
    found: RefCell<Vec<Diagnostic>>,
}

impl Context {
    pub(crate) fn new(source: Arc<Source>) -> Self {
        Self {
            source,
            found: RefCell::default(),
        }
    }

    pub(crate) fn source(&self) -> &Arc<Source> {
        &self.source
    }

    /// Keeps a diagnostic, once: what several environments share is read for each of them.
    pub(crate) fn report(&self, diagnostic: Diagnostic) {
        let mut found = self.found.borrow_mut();
        let same = |known: &Diagnostic| {
            known.code == diagnostic.code
                && known.labels == diagnostic.labels
                && (known.message == diagnostic.message || !known.labels.is_empty())
        };
        if !found.iter().any(same) {
            found.push(diagnostic);
        }
    }

    /// Keeps a problem with the text at `span`.
    pub(crate) fn problem(&self, span: Span, problem: Problem) {
        let diagnostic = Diagnostic::error(problem.code, problem.message).at(
            &self.source,
            span.into(),
            problem.label,
        );
        self.report(Diagnostic {
            fix: problem.fix,
            ..diagnostic
        });
    }

    pub(crate) fn has_errors(&self) -> bool {
        self.found
            .borrow()
            .iter()
            .any(|diagnostic| diagnostic.severity == crate::Severity::Error)
    }

    /// All that was found, in the order of the file.
    pub(crate) fn into_found(self) -> Vec<Diagnostic> {
        let mut found = self.found.into_inner();
        found.sort_by_key(Diagnostic::position);
        found
    }
}
