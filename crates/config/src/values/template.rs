//! Values of variables with references in them.

use std::ops::Range;

use landfall_model::ServiceName;
use landfall_model::env::{Part, Secret, Template};

use crate::diagnostics::nearest;
use crate::reader::Problem;

/// A service that a value refers to, and where in the value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Reference {
    pub(crate) service: ServiceName,
    /// The name itself, in the value.
    pub(crate) part: Range<usize>,
}

const KNOWN: &[&str] = &[
    "service.NAME.address",
    "service.NAME.host",
    "service.NAME.port",
    "release",
    "commit",
];

/// A value: `${...}` refers, `$$` is a `$`, and a `$` before anything else is itself.
pub(crate) fn template(text: &str) -> Result<(Template, Vec<Reference>), Problem> {
    let mut parts = Vec::new();
    let mut references = Vec::new();
    let mut literal = String::new();
    let mut at = 0;
    while let Some(dollar) = text[at..].find('$').map(|found| at + found) {
        literal.push_str(&text[at..dollar]);
        let rest = &text[dollar + 1..];
        if rest.starts_with('{') {
            let end = text[dollar..]
                .find('}')
                .map(|found| dollar + found)
                .ok_or_else(|| unterminated(dollar..text.len()))?;
            let inner = dollar + 2..end;
            let (part, reference) = reference(&text[inner.clone()], inner.start)
                .map_err(|problem| problem.part(dollar..end + 1))?;
            if !literal.is_empty() {
                parts.push(Part::Text(Secret::new(std::mem::take(&mut literal))));
            }
            parts.push(part);
            references.extend(reference);
            at = end + 1;
        } else {
            literal.push('$');
            at = dollar + 1 + usize::from(rest.starts_with('$'));
        }
    }
    literal.push_str(&text[at..]);
    if !literal.is_empty() || parts.is_empty() {
        parts.push(Part::Text(Secret::new(literal)));
    }
    Ok((Template(parts), references))
}

fn unterminated(part: Range<usize>) -> Problem {
    Problem::new("unterminated-reference", "`${` without a `}`")
        .part(part)
        .label("starts here")
        .fix("close it with `}`, or write `$${` for the text `${`")
}

fn reference(name: &str, start: usize) -> Result<(Part, Option<Reference>), Problem> {
    match name {
        "release" => return Ok((Part::Release, None)),
        "commit" => return Ok((Part::Commit, None)),
        _ => {}
    }
    if name.starts_with("secret.") {
        return Err(Problem::new(
            "unsupported-reference",
            "secrets are not supported by this version of landfall",
        )
        .label("not supported yet")
        .fix("name a file that is not committed in `env_file`"));
    }
    let Some((service, what)) = name
        .strip_prefix("service.")
        .and_then(|rest| rest.rsplit_once('.'))
    else {
        return Err(unknown(name));
    };
    let of = match what {
        "address" => Part::ServiceAddress,
        "host" => Part::ServiceHost,
        "port" => Part::ServicePort,
        _ => return Err(unknown(name)),
    };
    let parsed: ServiceName = super::name(service)?;
    let from = start + "service.".len();
    let reference = Reference {
        service: parsed.clone(),
        part: from..from + service.len(),
    };
    Ok((of(parsed), Some(reference)))
}

fn unknown(name: &str) -> Problem {
    let problem = Problem::new(
        "unknown-reference",
        format!("`${{{name}}}` refers to nothing that landfall knows"),
    )
    .label("unknown reference");
    let meant = match name.split('.').collect::<Vec<_>>().as_slice() {
        [_, service, what] => nearest(what, ["address", "host", "port"])
            .map(|what| format!("service.{service}.{what}")),
        [what] => nearest(what, ["release", "commit"]).map(str::to_owned),
        _ => None,
    };
    match meant {
        Some(meant) => problem.fix(format!("did you mean `${{{meant}}}`?")),
        None => problem.fix(format!(
            "known are {}; write `$${{` for the text `${{`",
            KNOWN
                .iter()
                .map(|known| format!("`${{{known}}}`"))
                .collect::<Vec<_>>()
                .join(", ")
        )),
    }
}
