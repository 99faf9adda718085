//! Pieces of HTTP: names and values of headers, media types; and regular expressions of bodies.

use crate::reader::Problem;

fn is_token(text: &str) -> bool {
    !text.is_empty()
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte))
}

/// The name of a header.
pub(crate) fn header_name(text: &str) -> Result<String, Problem> {
    if is_token(text) {
        return Ok(text.to_owned());
    }
    let message = format!("{text:?} cannot be the name of a header");
    Err(Problem::new("invalid-header", message).label("not the name of a header"))
}

/// The value of a header.
pub(crate) fn header_value(text: &str) -> Result<String, Problem> {
    match text.char_indices().find(|(_, c)| c.is_control()) {
        None => Ok(text.trim().to_owned()),
        Some((at, c)) => Err(Problem::new(
            "invalid-header",
            "the value of a header cannot hold control characters",
        )
        .part(at..at + c.len_utf8())
        .label("here")),
    }
}

/// A media type without parameters, in lower case.
pub(crate) fn media_type(text: &str) -> Result<String, Problem> {
    let problem = |label: &str| {
        Problem::new(
            "invalid-media-type",
            format!("{text:?} is not a media type"),
        )
        .label(label)
    };
    if let Some((bare, _)) = text.split_once(';') {
        return Err(problem("with parameters").fix(format!("write {:?}", bare.trim())));
    }
    match text.split_once('/') {
        Some((kind, subtype)) if is_token(kind) && is_token(subtype) => {
            Ok(text.to_ascii_lowercase())
        }
        _ => Err(problem("not a media type").fix("write a type like \"text/html\"")),
    }
}

/// A regular expression that can be used.
pub(crate) fn regex(text: &str) -> Result<String, Problem> {
    match regex::Regex::new(text) {
        Ok(_) => Ok(text.to_owned()),
        Err(error) => {
            let message = error.to_string();
            let reason = message.lines().last().unwrap_or_default();
            let reason = reason.trim_start_matches("error: ").to_owned();
            Err(Problem::new(
                "invalid-regex",
                format!("{text:?} is not a regular expression"),
            )
            .label(reason)
            .fix("write `contains` for a text that is meant as it is"))
        }
    }
}
