//! What a project is called.

use super::Loader;
use crate::compose::interpolate::{Interpolator, Variables};
use crate::compose::tree::{Node, Path, Value, scalar_text};
use crate::compose::yaml;
use crate::diagnostics::{Diagnostic, Diagnostics};

/// The code of names that cannot be.
const CODE: &str = "compose-name";

/// What the caller says, what the files say (the last one counts), or the directory's name.
pub(super) fn of(
    loader: &mut Loader,
    files: &[String],
    directory: &str,
    variables: &Variables,
) -> Result<String, Diagnostics> {
    if let Some(name) = variables
        .get("COMPOSE_PROJECT_NAME")
        .filter(|name| !name.is_empty())
    {
        if normalized(name) != *name {
            let message =
                format!("`COMPOSE_PROJECT_NAME` is {name:?}, which is no name of a project");
            let found = Diagnostic::error(CODE, message);
            return Err(found.fix(FIX).into());
        }
        return Ok(name.clone());
    }
    let mut said: Option<Node> = None;
    for file in files {
        let source = loader.files.read(file)?;
        for document in yaml::parse(&source)? {
            let name = document.root.get("name");
            let text = name
                .and_then(|name| scalar_text(&name.value))
                .filter(|text| !text.is_empty());
            if let (Some(name), Some(text)) = (name, text) {
                said = Some(name.clone().with(Value::Text(text)));
            }
        }
    }
    let Some(mut node) = said else {
        let base = directory.rsplit('/').next().unwrap_or_default();
        let name = normalized(base);
        if name.is_empty() {
            let message = format!("the directory's name {base:?} is no name of a project");
            let found = Diagnostic::error(CODE, message);
            return Err(found.fix("add `name: …` to the Compose file").into());
        }
        return Ok(name);
    };
    let mut interpolator = Interpolator {
        variables,
        errors: Vec::new(),
        warnings: Vec::new(),
    };
    interpolator.walk(&mut node, &Path::ROOT.field("name"));
    if !interpolator.errors.is_empty() {
        return Err(Diagnostics(interpolator.errors));
    }
    let name = normalized(node.text().unwrap_or_default());
    if name.is_empty() {
        let found = node.at.error(CODE, "this is no name of a project");
        return Err(found.fix(FIX).into());
    }
    Ok(name)
}

const FIX: &str = "a name is made of small letters, digits, `-` and `_`, and begins with a letter \
                   or digit";

fn normalized(name: &str) -> String {
    let lower = name.to_lowercase();
    let fits = |c: &char| c.is_ascii_lowercase() || c.is_ascii_digit() || "_-".contains(*c);
    let kept: String = lower.chars().filter(fits).collect();
    kept.trim_start_matches(['_', '-']).to_owned()
}
