//! Paths as Compose writes them: absolute, and without detours.

use std::path::Path as FilePath;

use crate::compose::interpolate::Variables;
use crate::compose::tree::{Node, Path, Value};
use crate::diagnostics::Diagnostic;

/// The code of paths that cannot be.
const CODE: &str = "compose-path";

/// Without `.`, `..` that can be taken back, and double slashes.
pub(in crate::compose) fn clean(path: &str) -> String {
    let absolute = path.starts_with('/');
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => match parts.last() {
                Some(&last) if last != ".." => drop(parts.pop()),
                _ if absolute => {}
                _ => parts.push(".."),
            },
            part => parts.push(part),
        }
    }
    match (absolute, parts.join("/")) {
        (true, path) => format!("/{path}"),
        (false, path) if path.is_empty() => ".".into(),
        (false, path) => path,
    }
}

/// A path below a directory, unless it is absolute by itself.
pub(super) fn join(directory: &str, path: &str) -> String {
    match path.starts_with('/') {
        true => path.to_owned(),
        false => clean(&format!("{directory}/{path}")),
    }
}

/// Makes the paths of a document absolute.
pub(super) struct Resolver<'a> {
    /// Absolute; what relative paths are relative to.
    pub(super) directory: &'a str,
    pub(super) variables: &'a Variables,
}

impl Resolver<'_> {
    pub(super) fn resolve(&self, node: &mut Node, path: &Path<'_>) -> Result<(), Diagnostic> {
        if path
            .names()
            .first()
            .is_some_and(|name| name.starts_with("x-"))
        {
            return Ok(());
        }
        if path.is("services.*.volumes.*") {
            return self.mount(node);
        }
        if path.is("volumes.*") {
            self.volume(node);
            return Ok(());
        }
        if let Some(text) = node.text() {
            let resolved = self.text(text, path);
            node.value = Value::Text(resolved);
            return Ok(());
        }
        match &mut node.value {
            Value::Map(map) => map
                .iter_mut()
                .try_for_each(|(key, field)| self.resolve(field, &path.field(key))),
            Value::List(list) => list
                .iter_mut()
                .try_for_each(|item| self.resolve(item, &path.item())),
            _ => Ok(()),
        }
    }

    fn text(&self, text: &str, path: &Path<'_>) -> String {
        let any = |patterns: &[&str]| patterns.iter().any(|pattern| path.is(pattern));
        if any(&[
            "services.*.build.context",
            "services.*.build.additional_contexts.*",
        ]) {
            return match is_elsewhere(text) {
                true => text.to_owned(),
                false => self.absolute(text),
            };
        }
        if any(&[
            "services.*.env_file.*.path",
            "services.*.label_file.*",
            "services.*.extends.file",
        ]) {
            return self.absolute(text);
        }
        if any(&["services.*.build.ssh.*", "configs.*.file", "secrets.*.file"]) {
            return self.on_any_system(text);
        }
        if path.is("services.*.develop.watch.*.path") {
            return without_link(&self.absolute(text));
        }
        text.to_owned()
    }

    /// A relative path that is empty stays so.
    pub(super) fn absolute(&self, text: &str) -> String {
        let path = self.without_tilde(text);
        match path.as_str() {
            "" => path,
            _ => join(self.directory, &path),
        }
    }

    /// Paths of Windows are absolute here as well.
    fn on_any_system(&self, text: &str) -> String {
        let path = self.without_tilde(text);
        match is_of_windows(&path) {
            true => path,
            false => join(self.directory, &path),
        }
    }

    fn without_tilde(&self, text: &str) -> String {
        match (text.strip_prefix('~'), self.variables.get("HOME")) {
            (Some(rest), Some(home)) => clean(&format!("{home}/{rest}")),
            _ => text.to_owned(),
        }
    }

    fn mount(&self, node: &mut Node) -> Result<(), Diagnostic> {
        if node.text_of("type") != Some("bind") {
            return Ok(());
        }
        let Some(source) = node.text_of("source") else {
            let found = node.at.error(CODE, "a bind mount needs `source`");
            return Err(found.fix("add `source: ./path/on/the/host`"));
        };
        let source = self.on_any_system(source);
        if let Some(field) = node.map_mut().and_then(|map| map.get_mut("source")) {
            field.value = Value::Text(source);
        }
        Ok(())
    }

    /// A volume of the local driver may be a bind mount in disguise.
    fn volume(&self, node: &mut Node) {
        if node.text_of("driver") != Some("local") {
            return;
        }
        let options = node.map_mut().and_then(|map| map.get_mut("driver_opts"));
        let Some(options) = options.filter(|options| options.text_of("o") == Some("bind")) else {
            return;
        };
        if let Some(device) = options.map_mut().and_then(|map| map.get_mut("device"))
            && let Some(text) = device.text()
        {
            device.value = Value::Text(self.on_any_system(text));
        }
    }
}

/// Whether a build context is no directory here.
fn is_elsewhere(text: &str) -> bool {
    text.contains("://")
        || ["service:", "github.com/", "git@"]
            .iter()
            .any(|prefix| text.starts_with(prefix))
}

fn is_of_windows(path: &str) -> bool {
    let bytes = path.as_bytes();
    let drive = matches!(bytes, [letter, b':', b'\\' | b'/', ..] if letter.is_ascii_alphabetic());
    drive || path.starts_with(r"\\")
}

/// The path with its first symbolic link followed.
fn without_link(path: &str) -> String {
    let mut at = String::new();
    for part in path.split('/').filter(|part| !part.is_empty()) {
        at.push('/');
        at.push_str(part);
        let is_link = FilePath::new(&at)
            .symlink_metadata()
            .is_ok_and(|meta| meta.is_symlink());
        if is_link
            && let Ok(target) = FilePath::new(&at).canonicalize()
            && let Some(target) = target.to_str()
        {
            return path.replacen(&at, target, 1);
        }
    }
    path.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_cleaned_without_looking_at_the_disk() {
        for (path, cleaned) in [
            ("/a/../b/./c//d", "/b/c/d"),
            ("../x/..", ".."),
            ("/..", "/"),
            ("./", "."),
            ("a/", "a"),
        ] {
            assert_eq!(clean(path), cleaned, "{path}");
        }
    }
}
