//! The typed view of a resolved project.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use landfall_model::env::Secret;

use super::service::Service;
use crate::compose::canonical;
use crate::compose::notes::{self, Note};
use crate::compose::tree::{Map, Node, Place};

/// A resolved project.
#[derive(Debug)]
pub struct Project {
    name: String,
    directory: PathBuf,
    tree: Node,
    disabled: Map,
    /// What was set when it was resolved.
    variables: BTreeMap<String, Secret>,
}

/// A network, volume, secret or config that services share.
#[derive(Debug, Clone, Copy)]
pub struct Resource<'a> {
    /// The name by which services refer to it.
    pub key: &'a str,
    /// The name by which the container engine knows it.
    pub name: &'a str,
    /// Whether it is made elsewhere, and has to be there.
    pub external: bool,
    /// Where it is declared; for what is implied, where that comes from.
    pub at: &'a Place,
}

impl Project {
    pub(in crate::compose) fn new(
        name: String,
        directory: PathBuf,
        tree: Node,
        disabled: Map,
        variables: BTreeMap<String, String>,
    ) -> Self {
        let variables = variables.into_iter();
        Self {
            name,
            directory,
            tree,
            disabled,
            variables: variables.map(|(k, v)| (k, Secret::new(v))).collect(),
        }
    }

    /// Its name, which begins those of its networks and volumes.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The directory that relative paths are relative to; absolute.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// The enabled services, by name.
    pub fn services(&self) -> impl Iterator<Item = Service<'_>> {
        services(self.tree.get("services").and_then(Node::map))
    }

    /// The services whose profiles are not enabled, by name.
    pub fn disabled(&self) -> impl Iterator<Item = Service<'_>> {
        services(Some(&self.disabled))
    }

    /// The networks that services use, by key.
    pub fn networks(&self) -> impl Iterator<Item = Resource<'_>> {
        self.resources("networks")
    }

    /// The named volumes that services use, by key.
    pub fn volumes(&self) -> impl Iterator<Item = Resource<'_>> {
        self.resources("volumes")
    }

    /// The secrets that services use, by key.
    pub fn secrets(&self) -> impl Iterator<Item = Resource<'_>> {
        self.resources("secrets")
    }

    /// The configs that services use, by key.
    pub fn configs(&self) -> impl Iterator<Item = Resource<'_>> {
        self.resources("configs")
    }

    /// The project in Compose's canonical form, the one that `docker compose config` prints. `$`
    /// is doubled in it, so that it is a Compose file that means the same.
    pub fn canonical(&self) -> serde_json::Value {
        let mut json = canonical::json(&self.tree);
        if let Some(map) = json.as_object_mut() {
            // Compose checks models, and does not print them.
            map.shift_remove("models");
        }
        json
    }

    /// What of the enabled services and what they use is not carried out, or only in part.
    pub fn notes(&self) -> Vec<Note<'_>> {
        notes::of(&self.tree)
    }

    /// A network, volume, secret or config by its key.
    pub(crate) fn resource(&self, kind: &str, key: &str) -> Option<&Node> {
        self.tree.get(kind)?.get(key)
    }

    /// The name that the files themselves give a network or volume; `None` where it is left to
    /// Compose, which begins it with the project's.
    pub(crate) fn own_name<'a>(&self, key: &str, resource: &'a Node) -> Option<&'a str> {
        let name = resource.text_of("name")?;
        let implied = name
            .strip_prefix(&self.name)
            .and_then(|n| n.strip_prefix('_'));
        (implied != Some(key)).then_some(name)
    }

    /// A variable of the caller's environment or of `.env`.
    pub(crate) fn variable(&self, name: &str) -> Option<Secret> {
        self.variables.get(name).cloned()
    }

    fn resources(&self, kind: &str) -> impl Iterator<Item = Resource<'_>> {
        let map = self.tree.get(kind).and_then(Node::map);
        map.into_iter().flatten().map(|(key, node)| Resource {
            key,
            name: node.text_of("name").unwrap_or(key),
            external: node.get("external").is_some(),
            at: node.named_at(),
        })
    }
}

fn services(map: Option<&Map>) -> impl Iterator<Item = Service<'_>> {
    map.into_iter()
        .flatten()
        .map(|(name, node)| Service::new(name, node))
}
