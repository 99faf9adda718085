//! The lines of an env file.

use std::borrow::Cow;
use std::ops::Range;
use std::sync::Arc;

use super::{Entry, EnvFile, escapes};
use crate::diagnostics::{Diagnostic, Diagnostics, Source};
use crate::template;

/// What a file is read for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Strictness {
    /// What is hardly meant is refused.
    Careful,
    /// Compose reads it, so it is read, as Compose reads it.
    AsCompose,
}

/// Where variables come from that the file itself does not set.
pub(super) struct Surroundings<'a> {
    /// Those that win over the lines of the file.
    pub(super) lookup: &'a dyn Fn(&str) -> Option<String>,
    /// Those that the lines of the file win over.
    pub(super) earlier: &'a dyn Fn(&str) -> Option<String>,
    pub(super) strictness: Strictness,
}

pub(super) fn parse(
    source: &Arc<Source>,
    surroundings: &Surroundings<'_>,
) -> Result<EnvFile, Diagnostics> {
    let mut parser = Parser {
        source,
        text: source.text().trim_end_matches('\0'),
        at: 0,
        around: surroundings,
        entries: Vec::new(),
        errors: Vec::new(),
    };
    if parser.text.starts_with('\u{feff}') {
        parser.at = '\u{feff}'.len_utf8();
    }
    while parser.skip_to_statement() {
        if let Err(error) = parser.statement() {
            parser.report(error);
            parser.skip_line();
        }
    }
    if parser.errors.is_empty() {
        Ok(EnvFile {
            entries: parser.entries,
        })
    } else {
        Err(Diagnostics(parser.errors))
    }
}

/// What is wrong, where, and what to do. Never holds a value.
struct Wrong {
    span: Range<usize>,
    message: String,
    fix: &'static str,
}

impl Wrong {
    fn new(span: Range<usize>, message: impl Into<String>, fix: &'static str) -> Self {
        Self {
            span,
            message: message.into(),
            fix,
        }
    }
}

struct Parser<'a> {
    source: &'a Arc<Source>,
    text: &'a str,
    at: usize,
    around: &'a Surroundings<'a>,
    entries: Vec<Entry>,
    errors: Vec<Diagnostic>,
}

impl<'a> Parser<'a> {
    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    fn report(&mut self, wrong: Wrong) {
        let diagnostic = Diagnostic::error("env-file", wrong.message);
        let diagnostic = diagnostic.at(self.source, wrong.span, "").fix(wrong.fix);
        self.errors.push(diagnostic);
    }

    /// Goes over white space, empty lines and comments; `false` at the end of the file.
    fn skip_to_statement(&mut self) -> bool {
        loop {
            let rest = self.rest();
            self.at += rest.len() - rest.trim_start().len();
            match self.rest().chars().next() {
                None => return false,
                Some('#') => self.skip_line(),
                Some(_) => return true,
            }
        }
    }

    /// Goes to the end of the line.
    fn skip_line(&mut self) {
        self.at += self.rest().find('\n').unwrap_or(self.rest().len());
    }

    fn skip_blanks(&mut self) {
        let rest = self.rest();
        let trimmed = rest.trim_start_matches(is_blank);
        self.at += rest.len() - trimmed.len();
    }

    fn statement(&mut self) -> Result<(), Wrong> {
        if let Some(after) = self.rest().strip_prefix("export")
            && after.starts_with(|c: char| c != '\n' && c.is_whitespace())
        {
            self.at += "export".len();
            self.skip_blanks();
        }
        let (name, span, inherited) = self.name()?;
        let value = if inherited {
            (self.around.lookup)(&name)
        } else {
            self.skip_blanks();
            Some(self.value()?)
        };
        if let Some(value) = value {
            self.entries.push(Entry { name, value, span });
        }
        Ok(())
    }

    /// The name, and whether it stands without a value.
    fn name(&mut self) -> Result<(String, Range<usize>, bool), Wrong> {
        let start = self.at;
        let rest = self.rest();
        let end = rest.find(['=', ':', '\n']).unwrap_or(rest.len());
        let name = rest[..end].trim_end();
        let span = start..start + name.len();
        let inherited = !rest[end..].starts_with(['=', ':']);
        let lenient = self.around.strictness == Strictness::AsCompose;
        let name_char = |c: char| {
            c.is_alphanumeric() || "_.-[]".contains(c) || lenient && c != ' ' && is_blank(c)
        };
        if name.is_empty() {
            let here = start..start + 1;
            let fix = "write NAME=value";
            return Err(Wrong::new(here, "the name of a variable is missing", fix));
        }
        if let Some((at, c)) = name.char_indices().find(|&(_, c)| !name_char(c)) {
            let message = match c {
                c if c.is_whitespace() => "the name of a variable cannot hold a space".to_owned(),
                // Only the character: the rest of the line may be what is left of a secret.
                c => format!("{c:?} cannot stand in the name of a variable"),
            };
            let here = start + at..start + at + c.len_utf8();
            let fix = "write NAME=value; a value with several lines goes in quotes";
            return Err(Wrong::new(here, message, fix));
        }
        self.at += end + usize::from(!inherited);
        Ok((name.to_owned(), span, inherited))
    }

    fn value(&mut self) -> Result<String, Wrong> {
        match self.rest().chars().next() {
            Some(quote @ ('\'' | '"')) => self.quoted(quote),
            _ => self.bare(),
        }
    }

    fn bare(&mut self) -> Result<String, Wrong> {
        let start = self.at;
        self.skip_line();
        let line = &self.text[start..self.at];
        // A comment needs a space before it: values may hold a `#`.
        let value = line.split_once(" #").map_or(line, |(value, _)| value);
        let value = value.trim_end();
        self.expand(value, start..start + value.len())
    }

    fn quoted(&mut self, quote: char) -> Result<String, Wrong> {
        let start = self.at;
        let mut value = String::new();
        let mut escaped = false;
        for (at, c) in self.rest().char_indices().skip(1) {
            match (c, escaped) {
                (c, false) if c == quote => {
                    self.at = start + at + 1;
                    self.nothing_follows()?;
                    let span = start..start + at + 1;
                    return match quote {
                        '"' => self.expand(&escapes::escapes(&value), span),
                        _ => Ok(value),
                    };
                }
                ('\\', false) => escaped = true,
                (c, true) => {
                    if c != quote {
                        value.push('\\');
                    }
                    value.push(c);
                    escaped = false;
                }
                (c, false) => value.push(c),
            }
        }
        let fix = "close the quote, or write `\\` before a quote that belongs to the value";
        let open = start..start + 1;
        Err(Wrong::new(open, "this quote is never closed", fix))
    }

    /// After a closing quote there may be a comment, and nothing else. Compose takes what stands
    /// there for the next variable, which is never what was meant.
    fn nothing_follows(&mut self) -> Result<(), Wrong> {
        if self.around.strictness == Strictness::AsCompose {
            return Ok(());
        }
        self.skip_blanks();
        match self.rest().chars().next() {
            None | Some('\n' | '#') => Ok(()),
            Some(c) => {
                let here = self.at..self.at + c.len_utf8();
                let fix = "put the whole value in quotes, and `\\` before quotes in it";
                Err(Wrong::new(here, "text follows the closing quote", fix))
            }
        }
    }

    fn expand(&self, value: &str, span: Range<usize>) -> Result<String, Wrong> {
        let known = |name: &str| -> Option<Cow<'_, str>> {
            if let Some(value) = (self.around.lookup)(name) {
                return Some(Cow::Owned(value));
            }
            let mut entries = self.entries.iter().rev();
            match entries.find(|entry| entry.name == name) {
                Some(entry) => Some(Cow::Borrowed(&entry.value)),
                None => (self.around.earlier)(name).map(Cow::Owned),
            }
        };
        template::expand(value, &known, &mut |_| {}).map_err(|error| {
            let fix = error.fix();
            Wrong::new(span, error.to_string(), fix)
        })
    }
}

/// White space within a line.
fn is_blank(c: char) -> bool {
    matches!(
        c,
        '\t' | '\u{b}' | '\u{c}' | '\r' | ' ' | '\u{85}' | '\u{a0}'
    )
}
