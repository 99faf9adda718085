//! The instructions of a Dockerfile: continued lines joined, comments and here-documents left out.

use super::words::{shell_words, unquoted, words};

/// The frontend whose language is understood here; the engine's own is one of its versions.
const FRONTEND: &str = "docker/dockerfile";

/// A Dockerfile.
#[derive(Debug)]
pub(super) struct Text {
    /// In their order.
    pub instructions: Vec<Instruction>,
    /// Whether these are all that there are, for certain.
    pub is_certain: bool,
}

/// An instruction.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Instruction {
    /// In upper case.
    pub keyword: String,
    /// What follows it.
    pub rest: String,
    /// The character that escapes others.
    pub escape: char,
}

/// The end of a here-document.
struct End {
    line: String,
    /// Whether tabs before it count for nothing.
    skips_tabs: bool,
}

impl Instruction {
    /// What is between spaces.
    pub fn words(&self) -> impl Iterator<Item = &str> {
        words(&self.rest)
    }

    /// The ends of the here-documents after it; `None` where they are not certain.
    fn here_documents(&self) -> Option<Vec<End>> {
        if !self.rest.contains("<<") {
            return Some(Vec::new());
        }
        match self.keyword.as_str() {
            "RUN" | "COPY" | "ADD" => {
                let words = shell_words(&self.rest, self.escape)?;
                words.into_iter().filter_map(here_document).collect()
            }
            // Of the instruction within.
            "ONBUILD" => None,
            _ => Some(Vec::new()),
        }
    }
}

impl End {
    fn is(&self, line: &str) -> bool {
        match self.skips_tabs {
            true => line.trim_start_matches('\t') == self.line,
            false => line == self.line,
        }
    }
}

/// Whether a word begins a here-document.
pub(super) fn is_here_document(word: &str) -> bool {
    here_document(word).is_some()
}

/// Where the here-document ends that a word begins, if it does; `Some(None)` where that is not
/// certain.
fn here_document(word: &str) -> Option<Option<End>> {
    // After the number of a descriptor, as in `3<<EOF`.
    let word = word.trim_start_matches(|char: char| char.is_ascii_digit());
    let word = word.strip_prefix("<<")?;
    let (skips_tabs, word) = match word.strip_prefix('-') {
        Some(word) => (true, word),
        None => (false, word),
    };
    if word.is_empty() || word.contains('<') {
        return None;
    }
    let end = unquoted(word).filter(|(line, _)| !line.contains('$'));
    Some(end.map(|(line, _)| End {
        line: line.to_owned(),
        skips_tabs,
    }))
}

/// Takes `text` apart. `frontend` is one that is asked for in another place than the text.
pub(super) fn read(text: &str, frontend: Option<&str>) -> Text {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let frontend = frontend.or(directive(text, "syntax"));
    let escape = match directive(text, "escape") {
        Some("`") => '`',
        _ => '\\',
    };
    let mut is_certain = !text.starts_with("#!") && frontend.is_none_or(is_understood);
    let mut lines = text.lines();
    let mut instructions = Vec::new();
    while let Some(line) = lines.next() {
        if is_nothing(line) {
            continue;
        }
        let mut whole = line.trim().to_owned();
        while let Some(begun) = continued(&whole, escape) {
            // Versions differ in whether an escape that is escaped continues a line.
            is_certain &= !begun.ends_with(escape);
            whole.truncate(begun.len());
            match lines.by_ref().find(|line| !is_nothing(line)) {
                Some(next) => whole.push_str(next),
                None => break,
            }
        }
        let whole = whole.trim();
        let (keyword, rest) = whole.split_once(char::is_whitespace).unwrap_or((whole, ""));
        let instruction = Instruction {
            keyword: keyword.to_ascii_uppercase(),
            rest: rest.trim().to_owned(),
            escape,
        };
        match instruction.here_documents() {
            Some(ends) => {
                let mut skip = |end: &End| lines.by_ref().any(|line| end.is(line));
                is_certain &= ends.iter().all(&mut skip);
            }
            None => is_certain = false,
        }
        instructions.push(instruction);
    }
    Text {
        instructions,
        is_certain,
    }
}

/// What is before the escape at the end of a line, where there is one.
fn continued(line: &str, escape: char) -> Option<&str> {
    line.trim_end_matches([' ', '\t']).strip_suffix(escape)
}

/// A comment or an empty line; both may stand within a continued instruction.
fn is_nothing(line: &str) -> bool {
    let line = line.trim();
    line.is_empty() || line.starts_with('#')
}

/// `# NAME=VALUE` in the lines of that form that the file begins with.
fn directive<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    let directives = text.lines().map_while(|line| {
        let (name, value) = line.strip_prefix('#')?.split_once('=')?;
        let name = name.trim();
        let is_name = name.starts_with(|char: char| char.is_ascii_alphabetic())
            && name.chars().all(|char| char.is_ascii_alphanumeric());
        (is_name && !value.trim().is_empty()).then(|| (name, value.trim()))
    });
    let mut directives = directives.filter(|(known, _)| known.eq_ignore_ascii_case(name));
    directives.next().map(|(_, value)| value)
}

/// Whether a frontend, as a Dockerfile names it, is one of those that speak this language.
fn is_understood(frontend: &str) -> bool {
    let image = frontend.split(' ').next().unwrap_or_default();
    let image = image.strip_prefix("docker.io/").unwrap_or(image);
    let version = image.strip_prefix(FRONTEND);
    version.is_some_and(|version| version.is_empty() || version.starts_with([':', '@']))
}
