//! References to variables in values: `$A`, `${A}`, `${A:-default}` and their like, as Compose
//! reads them in its files and in env files.
//!
//! A default is expanded whether it is needed or not, so that a mistake in it is never hidden by
//! the machine that has the variable.

use std::borrow::Cow;

/// References in defaults of references, deeper than this, are no file of a person's.
const MAX_DEPTH: usize = 32;

/// Why a value cannot be expanded.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum TemplateError {
    #[error("`{0}` is required and has no value{sep}{1}", sep = if .1.is_empty() { "" } else { ": " })]
    Required(String, String),
    #[error("`${{` stands before something that is no variable")]
    Invalid,
    #[error("`${{` without a `}}`")]
    Unterminated,
    #[error("references are nested too deeply")]
    TooDeep,
}

impl TemplateError {
    pub(crate) fn fix(&self) -> &'static str {
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
pub(crate) type Known<'a> = dyn Fn(&str) -> Option<Cow<'a, str>> + 'a;

/// The text with its references replaced. `unset` is told every variable that has no value and
/// was referred to without a default.
pub(crate) fn expand<'a>(
    text: &str,
    known: &'a Known<'a>,
    unset: &'a mut dyn FnMut(&str),
) -> Result<String, TemplateError> {
    let mut expander = Expander { known, unset };
    expander.expand(text, 0)
}

struct Expander<'a> {
    known: &'a Known<'a>,
    unset: &'a mut dyn FnMut(&str),
}

impl Expander<'_> {
    fn expand(&mut self, text: &str, depth: usize) -> Result<String, TemplateError> {
        if depth > MAX_DEPTH {
            return Err(TemplateError::TooDeep);
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
                let (inner, after) = braces(after)?;
                out.push_str(&self.braced(inner, depth)?);
                rest = after;
            } else {
                let (name, after) = rest.split_at(name_end(rest));
                match name {
                    "" => out.push('$'),
                    name => out.push_str(&self.value(name)),
                }
                rest = after;
            }
        }
        out.push_str(rest);
        Ok(out)
    }

    fn value(&mut self, name: &str) -> String {
        match (self.known)(name) {
            Some(value) => value.into_owned(),
            None => {
                (self.unset)(name);
                String::new()
            }
        }
    }

    fn braced(&mut self, inner: &str, depth: usize) -> Result<String, TemplateError> {
        let (name, operation) = inner.split_at(name_end(inner));
        if operation.is_empty() {
            return Ok(self.value(name));
        }
        let (operation, empty_counts) = match operation.strip_prefix(':') {
            Some(operation) => (operation, false),
            None => (operation, true),
        };
        let word = operation.get(1..).unwrap_or_default();
        let expanded = self.expand(word, depth + 1)?;
        let value = (self.known)(name);
        let value = value.filter(|value| empty_counts || !value.is_empty());
        match (operation.as_bytes().first(), value) {
            (Some(b'-' | b'?'), Some(value)) => Ok(value.into_owned()),
            (Some(b'-'), None) | (Some(b'+'), Some(_)) => Ok(expanded),
            (Some(b'+'), None) => Ok(String::new()),
            // As it is written: what it refers to may be a secret.
            (Some(b'?'), None) => Err(TemplateError::Required(name.into(), word.into())),
            _ => Err(TemplateError::Invalid),
        }
    }
}

/// What stands between the brace that was opened before `text` and the one that closes it, and
/// what comes after. With an operation, both stand on one line.
fn braces(text: &str) -> Result<(&str, &str), TemplateError> {
    let name = name_end(text);
    if name == 0 {
        return Err(TemplateError::Invalid);
    }
    let after = &text[name..];
    if let Some(rest) = after.strip_prefix('}') {
        return Ok((&text[..name], rest));
    }
    let operation = after.strip_prefix(':').unwrap_or(after);
    if !operation.starts_with(['-', '+', '?']) {
        return Err(match after.contains('}') {
            true => TemplateError::Invalid,
            false => TemplateError::Unterminated,
        });
    }
    let line = &text[..text.find('\n').unwrap_or(text.len())];
    let last = line.rfind('}').ok_or(TemplateError::Unterminated)?;
    let end = closing_brace(&line[..=last]).unwrap_or(last);
    Ok((&text[..end], &text[end + 1..]))
}

/// Where the brace closes that was opened before `text`. What follows an opening brace at once is
/// never taken for a closing one: `${A:-{}}` is `{}`.
fn closing_brace(text: &str) -> Option<usize> {
    let mut open = 1;
    let mut bytes = text.bytes().enumerate().skip(1);
    while let Some((at, byte)) = bytes.next() {
        match byte {
            b'{' => {
                open += 1;
                bytes.next();
            }
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

#[cfg(test)]
mod tests {
    use super::*;

    fn expanded(text: &str) -> Result<String, TemplateError> {
        let known = |name: &str| match name {
            "A" => Some(Cow::Borrowed("a")),
            "EMPTY" => Some(Cow::Borrowed("")),
            _ => None,
        };
        expand(text, &known, &mut |_| {})
    }

    #[test]
    fn references_are_replaced() {
        for (text, value) in [
            ("$A ${A} $$A $ $1", "a a $A $ $1"),
            ("${B:-x}${EMPTY:-y}${EMPTY-z}${B-w}", "xyw"),
            ("${A:+s}${B:+s}${EMPTY:+s}${EMPTY+t}", "st"),
            ("${B:-${C:-deep}} and ${A}", "deep and a"),
            ("${B:-{}}", "{}"),
            ("${B:-{\"k\": 1}} ${A}", "{\"k\": 1} a"),
            ("${A:?no}${EMPTY?no}", "a"),
            ("${B:-$${A}}", "${A}"),
        ] {
            assert_eq!(expanded(text).as_deref(), Ok(value), "{text}");
        }
    }

    #[test]
    fn what_is_no_reference_is_refused() {
        assert_eq!(expanded("${"), Err(TemplateError::Invalid));
        assert_eq!(expanded("${1}"), Err(TemplateError::Invalid));
        assert_eq!(expanded("${A!x}"), Err(TemplateError::Invalid));
        assert_eq!(expanded("${A:-x"), Err(TemplateError::Unterminated));
        assert_eq!(expanded("${B:-x\n}"), Err(TemplateError::Unterminated));
        let required = TemplateError::Required("B".into(), "say it".into());
        assert_eq!(expanded("${B:?say it}"), Err(required.clone()));
        assert_eq!(expanded("${A:-${B:?say it}}"), Err(required));
    }

    #[test]
    fn variables_without_a_value_are_told() {
        let mut told = Vec::new();
        let result = expand("$A ${B} ${C:-}", &|_| None, &mut |name| {
            told.push(name.to_owned())
        });
        assert_eq!(result.as_deref(), Ok("  "));
        assert_eq!(told, ["A", "B"]);
    }
}
