//! Configs, secrets, and single files of the project that a container may only read. They belong to
//! a release like its image: a change of one is deployed, and a rollback brings the old one back.

use std::path::Path;

use landfall_model::env::Secret;
use landfall_model::spec::FileSpec;

use super::value::{flag, items, text};
use super::{Home, unsupported};
use crate::compose::{Node, Place, Project, Service};
use crate::diagnostics::Diagnostic;
use crate::load::read_text;

pub(super) fn of(
    service: &Service<'_>,
    project: &Project,
    home: &Home<'_>,
    found: &mut Vec<Diagnostic>,
) -> Vec<FileSpec> {
    let node = service.node();
    let mut files = Vec::new();
    for (kind, dir) in [("configs", ""), ("secrets", "/run/secrets")] {
        for mount in items(node, kind) {
            let key = mount.text_of("source").unwrap_or_default();
            let target = text(mount, "target").unwrap_or_else(|| key.to_owned());
            let target = match target.starts_with('/') {
                true => target,
                false => format!("{dir}/{target}"),
            };
            let declared = project.resource(kind, key);
            let Some(declared) = declared else { continue };
            match content(declared, project) {
                Ok(content) => files.push(FileSpec { target, content }),
                Err(why) => found.push(refusal(kind, key, declared.named_at(), &why)),
            }
        }
    }
    for mount in items(node, "volumes")
        .iter()
        .filter(|mount| is_shipped(mount, home))
    {
        let source = mount.text_of("source").unwrap_or_default();
        if let (Ok(content), Some(target)) = (read_text(Path::new(source)), text(mount, "target")) {
            let content = Secret::new(content);
            files.push(FileSpec { target, content });
        }
    }
    files
}

/// Whether a mount is a text file of the project that is only read.
pub(super) fn is_shipped(mount: &Node, home: &Home<'_>) -> bool {
    let source = mount.text_of("source").map(Path::new);
    mount.text_of("type") == Some("bind")
        && flag(mount, "read_only")
        && source.is_some_and(|path| path.starts_with(home.root) && read_text(path).is_ok())
}

fn content(declared: &Node, project: &Project) -> Result<Secret, String> {
    if let Some(content) = declared.text_of("content") {
        return Ok(Secret::new(content));
    }
    if let Some(file) = declared.text_of("file") {
        let text = read_text(Path::new(file));
        return text
            .map(Secret::new)
            .map_err(|error| format!("{file} {error}"));
    }
    match declared.text_of("environment") {
        Some(name) => project
            .variable(name)
            .ok_or_else(|| format!("the variable {name} is not set")),
        None => Err("it is kept by someone else, and no single engine can give it".to_owned()),
    }
}

fn refusal(kind: &str, key: &str, at: &Place, why: &str) -> Diagnostic {
    let kind = kind.trim_end_matches('s');
    let message = format!("the {kind} `{key}` cannot be had: {why}");
    unsupported(
        at,
        message,
        "give it a `file` that can be read, or an `environment` that is set",
    )
}
