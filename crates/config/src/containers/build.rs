//! How the image of a service is built.

use std::collections::BTreeMap;
use std::path::{Component, Path, PathBuf};
use std::time::Duration;

use landfall_model::spec::{BuildNetwork, BuildSecret, Dockerfile, ExtraHost, ImageBuildSpec};

use super::run::ulimits;
use super::value::{bytes, fields, flag, items, pairs, text, texts};
use super::{Home, unsupported};
use crate::compose::{Node, Project, Service};
use crate::diagnostics::Diagnostic;

/// How long a build may take.
const TIMEOUT: Duration = Duration::from_secs(60 * 60);

/// `None` where the service has no build, or one that is refused.
pub(super) fn of(
    service: &Service<'_>,
    project: &Project,
    home: &Home<'_>,
    found: &mut Vec<Diagnostic>,
) -> Option<ImageBuildSpec> {
    let node = service.node().get("build")?;
    let mut reader = Reader {
        node,
        project,
        home,
        found,
    };
    let context = reader.context()?;
    let platforms = texts(node, "platforms");
    if platforms.len() > 1 {
        let at = node.get("platforms").map_or(&node.at, Node::named_at);
        reader.found.push(unsupported(
            at,
            "an image is built for one platform at a time",
            "name that of the server, or none",
        ));
    }
    let cache_to = texts(node, "cache_to");
    Some(ImageBuildSpec {
        dockerfile: reader.dockerfile(&context),
        context: reader.relative(&context),
        target: text(node, "target"),
        args: args(node),
        labels: pairs(node, "labels"),
        additional_contexts: reader.additional_contexts(),
        cache_from: texts(node, "cache_from")
            .iter()
            .filter_map(|cache| image(cache))
            .collect(),
        inline_cache: cache_to.iter().any(|to| to.contains("type=inline")),
        extra_hosts: reader.extra_hosts(),
        network: reader.network(),
        no_cache: flag(node, "no_cache"),
        pull: flag(node, "pull"),
        platform: platforms.into_iter().next(),
        secrets: reader.secrets(),
        shm_size: bytes(node, "shm_size").filter(|size| *size > 0),
        ulimits: ulimits(node),
        timeout: TIMEOUT,
    })
}

struct Reader<'a, 'f> {
    node: &'a Node,
    project: &'a Project,
    home: &'a Home<'a>,
    found: &'f mut Vec<Diagnostic>,
}

impl Reader<'_, '_> {
    fn context(&mut self) -> Option<PathBuf> {
        let at = self
            .node
            .get("context")
            .map_or(&self.node.at, |node| &node.at);
        let context = self.node.text_of("context").unwrap_or_default();
        if !context.starts_with('/') {
            let message = format!("{context} is not on this machine");
            self.found.push(unsupported(
                at,
                message,
                "check it out beside the Compose file, and name its directory",
            ));
            return None;
        }
        let path = PathBuf::from(context);
        if !path.is_dir() {
            let message = format!("there is no directory {context} to build from");
            self.found.push(unsupported(
                at,
                message,
                "name the directory as it is, relative to the file",
            ));
            return None;
        }
        Some(path)
    }

    fn dockerfile(&mut self, context: &Path) -> Dockerfile {
        if let Some(text) = self.node.text_of("dockerfile_inline") {
            return Dockerfile::Inline(text.to_owned());
        }
        let name = self.node.text_of("dockerfile").unwrap_or("Dockerfile");
        let path = context.join(name);
        if !path.is_file() {
            let said = self.node.get("dockerfile").unwrap_or(self.node);
            let message = format!("there is no Dockerfile at {}", path.display());
            self.found.push(unsupported(
                &said.at,
                message,
                "name it relative to the context, or write it there",
            ));
        }
        Dockerfile::File(name.to_owned())
    }

    /// Relative to `landfall.toml`, above it if need be: the same on every machine.
    fn relative(&self, path: &Path) -> String {
        let (from, to): (Vec<_>, Vec<_>) = (
            self.home.root.components().collect(),
            path.components().collect(),
        );
        let common = from.iter().zip(&to).take_while(|(a, b)| a == b).count();
        let up = from[common..].iter().map(|_| Component::ParentDir);
        let path: PathBuf = up.chain(to[common..].iter().copied()).collect();
        match path.as_os_str().is_empty() {
            true => ".".to_owned(),
            false => path.to_string_lossy().into_owned(),
        }
    }

    fn additional_contexts(&mut self) -> BTreeMap<String, String> {
        let mut contexts = BTreeMap::new();
        for (name, node) in fields(self.node, "additional_contexts") {
            let place = node.text().unwrap_or_default();
            if place.starts_with('/') {
                contexts.insert(name.to_owned(), self.relative(Path::new(place)));
                continue;
            }
            let message = format!("the context `{name}` is no directory of this machine: {place}");
            self.found
                .push(unsupported(&node.at, message, "name a directory"));
        }
        contexts
    }

    fn extra_hosts(&mut self) -> Vec<ExtraHost> {
        let mut hosts = Vec::new();
        for text in texts(self.node, "extra_hosts") {
            let (name, address) = text.split_once('=').unwrap_or((&text, ""));
            match address.parse() {
                Ok(address) => hosts.push(ExtraHost {
                    name: name.to_owned(),
                    address,
                }),
                Err(_) => {
                    let at = self
                        .node
                        .get("extra_hosts")
                        .map_or(&self.node.at, Node::named_at);
                    let message = format!("`{address}` is no address that a build can be given");
                    self.found.push(unsupported(
                        at,
                        message,
                        "write the address of the host in digits",
                    ));
                }
            }
        }
        hosts
    }

    fn network(&mut self) -> BuildNetwork {
        match self.node.text_of("network") {
            None | Some("default") => BuildNetwork::Default,
            Some("none") => BuildNetwork::None,
            Some("host") => BuildNetwork::Host,
            Some(other) => {
                let at = self
                    .node
                    .get("network")
                    .map_or(&self.node.at, Node::named_at);
                let message = format!("a build cannot be on the network `{other}`");
                self.found
                    .push(unsupported(at, message, "write `host`, `none` or nothing"));
                BuildNetwork::Default
            }
        }
    }

    fn secrets(&mut self) -> BTreeMap<String, BuildSecret> {
        let mut secrets = BTreeMap::new();
        for mount in items(self.node, "secrets") {
            let key = mount.text_of("source").unwrap_or_default();
            let id = text(mount, "target").unwrap_or_else(|| key.to_owned());
            let declared = self.project.resource("secrets", key);
            let file = declared.and_then(|node| text(node, "file"));
            let variable = declared.and_then(|node| text(node, "environment"));
            let secret = file
                .map(BuildSecret::File)
                .or(variable.map(BuildSecret::Variable));
            match secret {
                Some(secret) => drop(secrets.insert(id, secret)),
                None => {
                    let message = format!("the secret `{key}` is kept by someone else");
                    let fix = "give it a `file` or an `environment`";
                    self.found.push(unsupported(&mount.at, message, fix));
                }
            }
        }
        secrets
    }
}

/// Those without a value are not given.
fn args(build: &Node) -> BTreeMap<String, String> {
    fields(build, "args")
        .filter_map(|(name, node)| Some((name.to_owned(), node.text()?.to_owned())))
        .collect()
}

/// The image of a cache in a registry; what other kinds of caches save is only time.
fn image(cache: &str) -> Option<String> {
    if !cache.contains('=') {
        return Some(cache.to_owned());
    }
    let is_registry = cache.split(',').any(|part| part == "type=registry");
    let image = cache.split(',').find_map(|part| part.strip_prefix("ref="));
    image.filter(|_| is_registry).map(str::to_owned)
}
