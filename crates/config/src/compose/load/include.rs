//! `include`: models of other files, each resolved in its own directory, brought in whole.

use std::path::Path as FilePath;

use super::extends::{add_place, refuse_remote};
use super::{Loader, Scope, environment, paths};
use crate::compose::tree::{Map, Node, Value};
use crate::diagnostics::{Diagnostic, Diagnostics};

/// The code of what cannot be included.
const CODE: &str = "compose-include";

/// What is brought in.
const KINDS: [&str; 6] = [
    "services", "volumes", "networks", "secrets", "configs", "models",
];

/// One entry of the list.
struct Include<'a> {
    at: &'a Node,
    paths: Vec<String>,
    env_files: Vec<String>,
    directory: Option<String>,
}

impl Loader {
    /// Brings in all that a document includes.
    pub(super) fn include(
        &mut self,
        root: &mut Node,
        file: &str,
        scope: &Scope,
    ) -> Result<(), Diagnostics> {
        let Some(map) = root.map_mut() else {
            return Ok(());
        };
        let Some(list) = map.shift_remove("include").filter(|list| !list.is_null()) else {
            return Ok(());
        };
        let Some(entries) = list.list() else {
            let found = list.named_at().error(CODE, "`include` is a list");
            return Err(found.fix("write `- FILE`").into());
        };
        for entry in entries {
            let include = read(entry)?;
            let model = self.included(&include, file, scope)?;
            bring_in(model, map, entry)?;
        }
        Ok(())
    }

    fn included(
        &mut self,
        include: &Include<'_>,
        file: &str,
        scope: &Scope,
    ) -> Result<Node, Diagnostics> {
        let resolver = paths::Resolver {
            directory: &scope.directory,
            variables: &scope.variables,
        };
        let paths = include.paths.iter();
        let files: Vec<String> = paths.map(|path| resolver.absolute(path)).collect();
        let Some(main) = files.first() else {
            let found = include.at.at.error(CODE, "this includes nothing");
            return Err(found.fix("add `path: FILE`").into());
        };
        let included = self.entered(main, file, scope, include)?;
        let directory = match &include.directory {
            Some(directory) => existing(&resolver.absolute(directory)),
            None => parent(main),
        };
        let given = include.env_files.iter().map(|file| resolver.absolute(file));
        let mut env_files: Vec<String> = given.collect();
        if env_files.is_empty() {
            let default = format!("{directory}/.env");
            env_files.extend(FilePath::new(&default).is_file().then_some(default));
        }
        let mut variables = scope.variables.clone();
        let added = environment::read(&mut self.files, &env_files, &variables);
        let added = added.map_err(|found| add_place(found, include.at))?;
        for (name, value) in added {
            variables.entry(name).or_insert(value);
        }
        let inner = Scope {
            directory,
            variables,
            included,
        };
        let model = self.model(&files, &inner);
        model.map_err(|found| add_place(found, include.at))
    }

    /// The files that led to an included one, which must not be among them.
    fn entered(
        &self,
        main: &str,
        file: &str,
        scope: &Scope,
        include: &Include<'_>,
    ) -> Result<Vec<String>, Diagnostic> {
        let mut included = scope.included.clone();
        included.push(file.to_owned());
        if included.iter().any(|file| file == main) {
            let chain = included.iter().map(String::as_str).chain([main]);
            let shown: Vec<String> = chain.map(|file| self.files.shown(file.as_ref())).collect();
            let message = format!("files include each other: {}", shown.join(" → "));
            let found = include.at.at.error(CODE, message);
            return Err(found.fix("take one `include` away"));
        }
        Ok(included)
    }
}

fn read(entry: &Node) -> Result<Include<'_>, Diagnostic> {
    let texts = |node: Option<&Node>| -> Vec<String> {
        match node.map(|node| &node.value) {
            Some(Value::Text(text)) => vec![text.clone()],
            Some(Value::List(list)) => list
                .iter()
                .filter_map(Node::text)
                .map(str::to_owned)
                .collect(),
            _ => Vec::new(),
        }
    };
    if entry.text().is_none() && entry.map().is_none() {
        let found = entry
            .at
            .error(CODE, "this is neither a file nor a mapping with `path`");
        return Err(found.fix("write `- FILE`"));
    }
    let short = entry.text().map(|path| vec![path.to_owned()]);
    let paths = short.unwrap_or_else(|| texts(entry.get("path")));
    for path in &paths {
        refuse_remote(path, entry)?;
    }
    Ok(Include {
        at: entry,
        paths,
        env_files: texts(entry.get("env_file")),
        directory: entry.text_of("project_directory").map(str::to_owned),
    })
}

/// A project directory that is no directory stands for the one that it is in.
fn existing(directory: &str) -> String {
    match FilePath::new(directory).is_dir() {
        true => directory.to_owned(),
        false => parent(directory),
    }
}

fn parent(path: &str) -> String {
    match path.rsplit_once('/') {
        Some(("", _)) | None => "/".into(),
        Some((directory, _)) => directory.to_owned(),
    }
}

/// Adds what is not there; what is there has to be the same.
fn bring_in(mut model: Node, map: &mut Map, entry: &Node) -> Result<(), Diagnostics> {
    for kind in KINDS {
        let Some(from) = model.map_mut().and_then(|model| model.shift_remove(kind)) else {
            continue;
        };
        let empty = || from.here(Value::Map(Map::new()));
        let to = map.entry(kind.to_owned()).or_insert_with(empty);
        if to.is_null() {
            to.value = Value::Map(Map::new());
        }
        let Some(to) = to.map_mut() else {
            continue;
        };
        let Value::Map(from) = from.value else {
            continue;
        };
        for (name, node) in from {
            match to.get(&name) {
                Some(there) if there.same(&node) => {}
                Some(there) => return Err(conflict(kind, &name, there, &node, entry).into()),
                None => drop(to.insert(name, node)),
            }
        }
    }
    Ok(())
}

fn conflict(kind: &str, name: &str, there: &Node, node: &Node, entry: &Node) -> Diagnostic {
    let message = format!("`{kind}.{name}` is included, and there already");
    let found = there.named_at().error(CODE, message);
    let at = node.named_at();
    let found = found.near(&at.file, at.span.clone(), "the included one");
    let found = found.near(&entry.at.file, entry.at.span.clone(), "included here");
    found.fix("change it in a file that is laid over this one, as `compose.override.yaml` is")
}
