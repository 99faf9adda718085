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
    let given = variables.get("COMPOSE_PROJECT_NAME");
    if let Some(name) = given.filter(|name| !name.is_empty()) {
        if normalized(name) != *name {
            let message = format!("`COMPOSE_PROJECT_NAME` is {name:?}, no name of a project");
            return Err(Diagnostic::error(CODE, message).fix(FIX).into());
        }
        return Ok(name.clone());
    }
    if let Some(said) = said(loader, files)? {
        return of_files(said, variables);
    }
    let base = directory.rsplit('/').next().unwrap_or_default();
    let name = normalized(base);
    if name.is_empty() {
        let message = format!("the directory's name {base:?} is no name of a project");
        let found = Diagnostic::error(CODE, message);
        return Err(found.fix("add `name: …` to the Compose file").into());
    }
    Ok(name)
}

/// What the last file says that says something.
fn said(loader: &mut Loader, files: &[String]) -> Result<Option<Node>, Diagnostics> {
    let mut said = None;
    for file in files {
        let source = loader.files.read(file)?;
        for document in yaml::parse(&source)? {
            let Some(name) = document.root.get("name") else {
                continue;
            };
            let text = scalar_text(&name.value).filter(|text| !text.is_empty());
            if let Some(text) = text {
                said = Some(name.clone().with(Value::Text(text)));
            }
        }
    }
    Ok(said)
}

fn of_files(mut said: Node, variables: &Variables) -> Result<String, Diagnostics> {
    let mut interpolator = Interpolator {
        variables,
        errors: Vec::new(),
        warnings: Vec::new(),
    };
    interpolator.walk(&mut said, &Path::ROOT.field("name"));
    if !interpolator.errors.is_empty() {
        return Err(Diagnostics(interpolator.errors));
    }
    let name = normalized(said.text().unwrap_or_default());
    if name.is_empty() {
        let found = said.at.error(CODE, "this is no name of a project");
        return Err(found.fix(FIX).into());
    }
    Ok(name)
}

const FIX: &str = "a name is made of small letters, digits, `-` and `_`, and begins with a letter \
                   or digit";

/// Whether a project can be called this.
pub fn is_project_name(name: &str) -> bool {
    !name.is_empty() && normalized(name) == name
}

fn normalized(name: &str) -> String {
    let lower = name.to_lowercase();
    let fits = |c: &char| c.is_ascii_lowercase() || c.is_ascii_digit() || "_-".contains(*c);
    let kept: String = lower.chars().filter(fits).collect();
    kept.trim_start_matches(['_', '-']).to_owned()
}
