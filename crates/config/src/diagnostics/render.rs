//! Diagnostics as a person reads them in a terminal.

use std::sync::Arc;

use annotate_snippets::{AnnotationKind, Group, Level, Origin, Renderer, Snippet};

use super::{Diagnostic, Diagnostics, Label, Severity, Source};

/// Below this, lines are cut so much that nothing is left to see.
const MIN_WIDTH: usize = 60;

/// Diagnostics with the lines they are about, one after the other, with a line between them;
/// `width` is that of the terminal, in columns.
pub fn render(diagnostics: &Diagnostics, color: bool, width: usize) -> String {
    let renderer = if color {
        Renderer::styled()
    } else {
        Renderer::plain()
    };
    let renderer = renderer.term_width(width.max(MIN_WIDTH));
    let mut text = String::new();
    for diagnostic in &diagnostics.0 {
        if !text.is_empty() {
            text.push('\n');
        }
        text.push_str(renderer.render(&[group(diagnostic)]).trim_end());
        text.push('\n');
    }
    text
}

fn group(diagnostic: &Diagnostic) -> Group<'_> {
    let level = match diagnostic.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
    };
    let mut group = level
        .primary_title(printable(&diagnostic.message))
        .id(diagnostic.code)
        .elements(std::iter::empty::<
            Snippet<'_, annotate_snippets::Annotation<'_>>,
        >());
    for file in files(&diagnostic.labels) {
        let labels = diagnostic.labels.iter().filter(|label| label.file == *file);
        group = if file.quotable() {
            group.element(snippet(file, labels))
        } else {
            labels.fold(group, |group, label| group.element(origin(label)))
        };
    }
    match &diagnostic.fix {
        Some(fix) => group.element(Level::HELP.message(printable(fix))),
        None => group,
    }
}

fn files(labels: &[Label]) -> Vec<&Arc<Source>> {
    let mut files: Vec<&Arc<Source>> = Vec::new();
    for label in labels {
        if !files.contains(&&label.file) {
            files.push(&label.file);
        }
    }
    files
}

fn snippet<'a>(
    file: &'a Source,
    labels: impl Iterator<Item = &'a Label>,
) -> Snippet<'a, annotate_snippets::Annotation<'a>> {
    Snippet::source(file.text())
        .path(file.path())
        .annotations(labels.map(|label| {
            let kind = if label.primary {
                AnnotationKind::Primary
            } else {
                AnnotationKind::Context
            };
            let text = (!label.text.is_empty()).then(|| printable(&label.text));
            kind.span(label.span.clone()).label(text)
        }))
}

fn origin(label: &Label) -> Origin<'_> {
    let (line, column) = label.file.line_column(label.span.start);
    Origin::path(label.file.path())
        .line(line)
        .char_column(column)
}

/// Text without control characters, which could move a terminal's cursor.
fn printable(text: &str) -> String {
    text.chars()
        .map(|c| {
            if c.is_control() && c != '\n' {
                '\u{fffd}'
            } else {
                c
            }
        })
        .collect()
}
