//! Escapes and references in values.

use std::borrow::Cow;

/// References in defaults of references, deeper than this, are no file of a person's.
const MAX_DEPTH: usize = 32;

/// Why a value cannot be expanded.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum ExpandError {
    #[error("`{0}` is required and has no value{sep}{1}", sep = if .1.is_empty() { "" } else { ": " })]
    Required(String, String),
    #[error("`${{` stands before something that is no variable")]
    Invalid,
    #[error("`${{` without a `}}`")]
    Unterminated,
    #[error("references are nested too deeply")]
    TooDeep,
}

impl ExpandError {
    pub(super) fn fix(&self) -> &'static str {
        match self {
            Self::Required(..) => "set it where you deploy from, or in a line above",
            Self::Invalid | Self::Unterminated => {
                "write `$$` for a `$`, or put the value in single quotes"
            }
            Self::TooDeep => "write the value without so many references",
        }
    }
}

/// What is known of a variable.
pub(super) type Known<'a> = dyn Fn(&str) -> Option<Cow<'a, str>> + 'a;

/// The text of double quotes with its escapes replaced: those of C for control characters,
/// octal numbers after `\0`, `\"` and `\\`. `\$` becomes `$$`, which stays a `$`.
pub(super) fn escapes(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        if c != '\\' {
            out.push(c);
            continue;
        }
        match chars.next() {
            Some('$') => out.push_str("$$"),
            Some('0') => {
                let mut digits = String::new();
                while digits.len() < 3
                    && let Some(digit) = chars.next_if(char::is_ascii_digit)
                {
                    digits.push(digit);
                }
                match u8::from_str_radix(&digits, 8) {
                    Ok(code) if digits.len() == 3 => out.push(char::from(code)),
                    // Compose loses the zero of what is no octal number.
                    _ => {
                        out.push('\\');
                        out.push_str(&digits);
                    }
                }
            }
            Some(letter) => match control(letter) {
                Some(c) => out.push(c),
                None => out.extend(['\\', letter]),
            },
            None => out.push('\\'),
        }
    }
    out
}

fn control(letter: char) -> Option<char> {
    Some(match letter {
        'a' => '\u{7}',
        'b' => '\u{8}',
        'f' => '\u{c}',
        'n' => '\n',
        'r' => '\r',
        't' => '\t',
        'v' => '\u{b}',
        '\\' => '\\',
        '"' => '"',
        _ => return None,
    })
}

/// The value with its references replaced.
pub(super) fn expand(text: &str, known: &Known<'_>) -> Result<String, ExpandError> {
    expand_nested(text, known, 0)
}

fn expand_nested(text: &str, known: &Known<'_>, depth: usize) -> Result<String, ExpandError> {
    if depth > MAX_DEPTH {
        return Err(ExpandError::TooDeep);
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(dollar) = rest.find('$') {
        out.push_str(&rest[..dollar]);
        rest = &rest[dollar + 1..];
        if let Some(after) = rest.strip_prefix('$') {
            out.push('$');
            rest = after;
        } else if let Some(after) = rest.strip_prefix('{') {
            let end = closing_brace(after).ok_or(ExpandError::Unterminated)?;
            out.push_str(&braced(&after[..end], known, depth)?);
            rest = &after[end + 1..];
        } else {
            let end = name_end(rest);
            if end == 0 {
                out.push('$');
            } else {
                out.push_str(&known(&rest[..end]).unwrap_or_default());
            }
            rest = &rest[end..];
        }
    }
    out.push_str(rest);
    Ok(out)
}

/// Where the brace closes that was opened before `text`.
fn closing_brace(text: &str) -> Option<usize> {
    let mut open = 1;
    let bytes = text.as_bytes();
    for (at, &byte) in bytes.iter().enumerate() {
        match byte {
            b'{' if at > 0 && bytes[at - 1] == b'$' => open += 1,
            b'}' => open -= 1,
            _ => {}
        }
        if open == 0 {
            return Some(at);
        }
    }
    None
}

fn name_end(text: &str) -> usize {
    let starts = text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    if !starts {
        return 0;
    }
    text.find(|c: char| !c.is_ascii_alphanumeric() && c != '_')
        .unwrap_or(text.len())
}

fn braced(inner: &str, known: &Known<'_>, depth: usize) -> Result<String, ExpandError> {
    let end = name_end(inner);
    let (name, operation) = inner.split_at(end);
    if name.is_empty() {
        return Err(ExpandError::Invalid);
    }
    let value = known(name);
    if operation.is_empty() {
        return Ok(value.unwrap_or_default().into_owned());
    }
    let (operation, empty_counts) = match operation.strip_prefix(':') {
        Some(operation) => (operation, false),
        None => (operation, true),
    };
    let value = value.filter(|value| empty_counts || !value.is_empty());
    let word = operation.get(1..).unwrap_or_default();
    let word = || expand_nested(word, known, depth + 1);
    match (operation.as_bytes().first(), value) {
        (Some(b'-' | b'?'), Some(value)) => Ok(value.into_owned()),
        (Some(b'-'), None) | (Some(b'+'), Some(_)) => word(),
        (Some(b'+'), None) => Ok(String::new()),
        // As it is written: what it refers to may be a secret.
        (Some(b'?'), None) => {
            let message = operation.get(1..).unwrap_or_default();
            Err(ExpandError::Required(name.to_owned(), message.to_owned()))
        }
        _ => Err(ExpandError::Invalid),
    }
}
