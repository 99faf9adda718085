//! `extends`: a service that begins as another one, of the same file or of another.

use super::document::{self, Use, forget};
use super::{Loader, Scope, paths};
use crate::compose::merge;
use crate::compose::tree::{Map, Node, Path, Value};
use crate::diagnostics::{Diagnostic, Diagnostics};

/// The code of what cannot be extended.
const CODE: &str = "compose-extends";

/// Services in a chain, at most.
const MAX_CHAIN: usize = 100;

/// Extends every service of a document that asks for it.
pub(super) fn apply(
    loader: &mut Loader,
    root: &mut Node,
    file: &str,
    scope: &Scope,
    resets: &[Vec<String>],
) -> Result<(), Diagnostics> {
    let Some(services) = root.map_mut().and_then(|map| map.get_mut("services")) else {
        return Ok(());
    };
    if services.map().is_none() {
        let found = services.named_at().error(CODE, "`services` is a mapping");
        return Err(found
            .fix("write a service below it, or take it away")
            .into());
    }
    let Some(services) = services.map_mut() else {
        return Ok(());
    };
    let names: Vec<String> = services.keys().cloned().collect();
    for name in names {
        let mut chain = Chain {
            loader: &mut *loader,
            scope,
            seen: Vec::new(),
        };
        let merged = chain.service(&name, services, file, resets)?;
        services.insert(name, merged);
    }
    Ok(())
}

struct Chain<'a> {
    loader: &'a mut Loader,
    scope: &'a Scope,
    /// Files and services that led here.
    seen: Vec<(String, String)>,
}

impl Chain<'_> {
    /// The service with all that it extends. Its base is kept in `services`, where it is of the
    /// same file.
    fn service(
        &mut self,
        name: &str,
        services: &mut Map,
        file: &str,
        resets: &[Vec<String>],
    ) -> Result<Node, Diagnostics> {
        let Some(service) = services.get(name).cloned() else {
            return Err(Diagnostic::error(CODE, format!("there is no service `{name}`")).into());
        };
        let Some(extends) = service.get("extends").cloned() else {
            return Ok(service);
        };
        let Some((wanted, from)) = reference(&extends) else {
            let found = extends
                .at
                .error(CODE, format!("`extends` of `{name}` names no service"));
            return Err(found.fix("write `extends: { service: NAME }`").into());
        };
        let mut base = match from {
            Some(from) => self.base_elsewhere(name, &extends, &wanted, &from)?,
            None => self.base_here(name, &extends, &wanted, services, file)?,
        };
        if base.is_null() {
            return Ok(service);
        }
        forget(&mut base, &mut vec!["services".into(), name.into()], resets);
        let key = service.key.clone();
        let services_path = Path::ROOT.field("services");
        let mut merged = merge::merge(base, service, &services_path.field(name))?;
        if let Some(map) = merged.map_mut() {
            map.shift_remove("extends");
        }
        merged.key = key;
        services.insert(name.to_owned(), merged.clone());
        Ok(merged)
    }

    fn base_here(
        &mut self,
        name: &str,
        extends: &Node,
        wanted: &str,
        services: &mut Map,
        file: &str,
    ) -> Result<Node, Diagnostics> {
        if !services.contains_key(wanted) {
            return Err(missing(extends, wanted, &self.shown(file), services).into());
        }
        self.enter(extends, file, name)?;
        self.service(wanted, services, file, &[])
    }

    fn base_elsewhere(
        &mut self,
        name: &str,
        extends: &Node,
        wanted: &str,
        from: &str,
    ) -> Result<Node, Diagnostics> {
        let resolver = paths::Resolver {
            directory: &self.scope.directory,
            variables: &self.scope.variables,
        };
        let path = resolver.absolute(from);
        self.enter(extends, &path, name)?;
        let place = extends.get("file").unwrap_or(extends);
        let (mut root, resets) = self.base(&path).map_err(|found| add_place(found, place))?;
        let services = root.map_mut().and_then(|map| map.get_mut("services"));
        let Some(services) = services.and_then(Node::map_mut) else {
            let message = format!("{} has no services to extend", self.shown(&path));
            return Err(extends.at.error(CODE, message).into());
        };
        if !services.contains_key(wanted) {
            return Err(missing(extends, wanted, &self.shown(&path), services).into());
        }
        self.service(wanted, services, &path, &resets)
    }

    /// A file whose services are extended, with the paths that it means.
    fn base(&mut self, path: &str) -> Result<(Node, Vec<Vec<String>>), Diagnostics> {
        let mut root = self.loader.nothing(&[path.to_owned()])?;
        let resets = self.loader.file(path, self.scope, Use::Base, &mut root)?;
        let directory = path
            .rsplit_once('/')
            .map_or("/", |(directory, _)| directory);
        let resolver = paths::Resolver {
            directory: if directory.is_empty() { "/" } else { directory },
            variables: &self.scope.variables,
        };
        resolver.resolve(&mut root, &Path::ROOT)?;
        Ok((root, resets))
    }

    fn enter(&mut self, extends: &Node, file: &str, name: &str) -> Result<(), Diagnostic> {
        let here = (file.to_owned(), name.to_owned());
        if self.seen.contains(&here) || self.seen.len() >= MAX_CHAIN {
            let chain: Vec<&str> = self.seen.iter().map(|(_, name)| name.as_str()).collect();
            let message = format!("services extend each other: {} → {name}", chain.join(" → "));
            let found = extends.named_at().error(CODE, message);
            return Err(found.fix("let one of them stand by itself"));
        }
        self.seen.push(here);
        Ok(())
    }

    fn shown(&self, file: &str) -> String {
        self.loader.files.shown(file.as_ref())
    }
}

/// The service, and the file that it is in if that is another one.
fn reference(extends: &Node) -> Option<(String, Option<String>)> {
    match &extends.value {
        Value::Text(service) => Some((service.clone(), None)),
        Value::Map(map) => {
            let service = map.get("service")?.text()?.to_owned();
            let file = map.get("file").and_then(Node::text).map(str::to_owned);
            Some((service, file))
        }
        _ => None,
    }
}

fn missing(extends: &Node, wanted: &str, file: &str, services: &Map) -> Diagnostic {
    let place = extends.get("service").unwrap_or(extends);
    let found = place
        .at
        .error(CODE, format!("there is no service `{wanted}` in {file}"));
    let near = crate::diagnostics::nearest(wanted, services.keys().map(String::as_str));
    match near {
        Some(near) => found.fix(format!("did you mean `{near}`?")),
        None => found,
    }
}

/// What is wrong with a file as such is said where the file is named.
pub(super) fn add_place(mut found: Diagnostics, place: &Node) -> Diagnostics {
    for diagnostic in &mut found.0 {
        if diagnostic.labels.is_empty() {
            let at = &place.at;
            *diagnostic = diagnostic
                .clone()
                .at(&at.file, at.span.clone(), "named here");
        }
    }
    found
}

/// Whether a file is no file here, but something that would have to be fetched.
pub(super) fn refuse_remote(path: &str, place: &Node) -> Result<(), Diagnostic> {
    let remote = [
        "https://",
        "http://",
        "git://",
        "ssh://",
        "oci://",
        "git@",
        "github.com/",
    ];
    if remote.iter().any(|prefix| path.starts_with(prefix)) {
        let found = place
            .at
            .error(document::CODE, "files from elsewhere are not fetched");
        return Err(found.fix("fetch it by hand and name the file"));
    }
    Ok(())
}
