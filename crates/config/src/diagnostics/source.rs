//! The text of a file, kept for the diagnostics that point into it.

use std::ops::Range;

/// A file that was read.
#[derive(Clone, PartialEq, Eq)]
pub struct Source {
    path: String,
    text: String,
    quotable: bool,
}

impl std::fmt::Debug for Source {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // The text may hold secrets.
        f.debug_struct("Source")
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}

impl Source {
    /// A file whose lines may be shown. `path` is shown as it is.
    pub fn new(path: impl Into<String>, text: impl Into<String>) -> Self {
        Self {
            path: path.into(),
            text: text.into(),
            quotable: true,
        }
    }

    /// A file that holds secrets: diagnostics name its lines and never quote them.
    pub fn confidential(path: impl Into<String>, text: impl Into<String>) -> Self {
        Self {
            quotable: false,
            ..Self::new(path, text)
        }
    }

    /// The path as it is shown.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The text that spans are ranges of.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Whether lines of it may be shown.
    pub fn quotable(&self) -> bool {
        self.quotable
    }

    /// Line and column of a byte offset, both from 1, the column in characters.
    pub fn line_column(&self, offset: usize) -> (usize, usize) {
        let before = &self.text[..self.floor(offset)];
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        let line = before.bytes().filter(|&byte| byte == b'\n').count() + 1;
        (line, before[line_start..].chars().count() + 1)
    }

    /// The nearest range that lies in the text and cuts no character.
    pub(crate) fn clamp(&self, span: Range<usize>) -> Range<usize> {
        let start = self.floor(span.start);
        let mut end = span.end.clamp(start, self.text.len());
        while !self.text.is_char_boundary(end) {
            end += 1;
        }
        start..end
    }

    fn floor(&self, offset: usize) -> usize {
        let mut offset = offset.min(self.text.len());
        while !self.text.is_char_boundary(offset) {
            offset -= 1;
        }
        offset
    }
}
