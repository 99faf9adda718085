//! What the names of base images mean now.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use bollard::auth::DockerCredentials;
use bollard::models::ImageInspect;

use super::engine::Engine;
use super::error::ImageBuildError;
use super::{RegistryCredentials, RegistryLogin};

/// How long a registry may take to say what a name means. Without an answer the name itself
/// counts, and whether the image can be had shows when it is built.
const REGISTRY_WITHIN: Duration = Duration::from_secs(10);
/// What stands for an image of which nothing is known but its name.
const UNKNOWN: &str = "unknown";
/// What images with `ONBUILD` have in their names by custom.
const TRIGGERS: &str = "onbuild";

/// What is known about base images.
#[derive(Debug, Default)]
pub(super) struct Bases {
    /// What each name means, apart from those that say it themselves.
    pub meanings: BTreeMap<String, String>,
    /// Variables that one of them sets.
    pub variables: BTreeSet<String>,
    /// Whether one of them has instructions for what is made from it (`ONBUILD`). Of an image that
    /// is not on the machine only its name can tell.
    pub has_triggers: bool,
}

impl Bases {
    fn look_at(&mut self, name: &str, image: Option<&ImageInspect>) {
        self.has_triggers |= name.contains(TRIGGERS);
        let config = image.and_then(|image| image.config.as_ref());
        if let Some(config) = config {
            self.has_triggers |= config.on_build.as_ref().is_some_and(|all| !all.is_empty());
            let variables = config.env.iter().flatten();
            let names = variables.filter_map(|variable| variable.split_once('='));
            self.variables
                .extend(names.map(|(name, _)| name.to_owned()));
        }
    }
}

/// What each of `names` means: the digest in its registry where that is known, else the id of the
/// image on the machine. So an image that is fetched after it was asked for stays the same.
pub(super) async fn resolve(
    engine: &Engine,
    names: &BTreeSet<String>,
    pull: bool,
    credentials: &RegistryCredentials,
) -> Result<Bases, ImageBuildError> {
    let mut bases = Bases::default();
    for name in names {
        let image = find(engine, name).await?;
        bases.look_at(name, image.as_ref());
        // It says itself what it means.
        if name.contains("@sha256:") {
            continue;
        }
        let here = image.and_then(|image| meaning(&image, name));
        let meaning = match here {
            Some(here) if !pull => here,
            here => {
                let there = ask_registry(engine, name, credentials).await?;
                there.or(here).unwrap_or_else(|| UNKNOWN.to_owned())
            }
        };
        bases.meanings.insert(name.clone(), meaning);
    }
    Ok(bases)
}

/// The image of this name, where the engine has one.
pub(super) async fn find(
    engine: &Engine,
    name: &str,
) -> Result<Option<ImageInspect>, ImageBuildError> {
    let answer = engine.docker().await?.inspect_image(name).await;
    match answer {
        Ok(image) => Ok(Some(image)),
        Err(bollard::errors::Error::DockerResponseServerError {
            status_code: 404, ..
        }) => Ok(None),
        Err(error) => Err(engine.failed("look for an image")(error)),
    }
}

fn meaning(image: &ImageInspect, name: &str) -> Option<String> {
    let repository = repository_of(name);
    let digests = image.repo_digests.iter().flatten();
    let in_registry = digests
        .filter_map(|known| known.split_once('@'))
        .find(|(known, _)| *known == repository)
        .map(|(_, digest)| digest.to_owned());
    in_registry.or_else(|| image.id.clone())
}

async fn ask_registry(
    engine: &Engine,
    name: &str,
    credentials: &RegistryCredentials,
) -> Result<Option<String>, ImageBuildError> {
    let docker = engine.docker().await?;
    let login = credentials.get(registry_of(name)).map(credentials_of);
    let asked = tokio::time::timeout(REGISTRY_WITHIN, docker.inspect_registry_image(name, login));
    let Ok(Ok(answer)) = asked.await else {
        return Ok(None);
    };
    Ok(answer.descriptor.digest)
}

fn credentials_of(login: &RegistryLogin) -> DockerCredentials {
    DockerCredentials {
        username: Some(login.user.clone()),
        password: Some(login.password.reveal().to_owned()),
        ..DockerCredentials::default()
    }
}

/// The name without its tag. A colon before the last slash is that of a port.
fn repository_of(name: &str) -> &str {
    let last = name.rfind('/').map_or(0, |slash| slash + 1);
    match name[last..].find(':') {
        Some(colon) => &name[..last + colon],
        None => name,
    }
}

/// The host in a name, as Docker tells it from a path.
fn registry_of(name: &str) -> &str {
    match name.split_once('/') {
        Some((host, _)) if host.contains(['.', ':']) || host == "localhost" => host,
        _ => "registry-1.docker.io",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_taken_apart_as_docker_does() {
        for (name, repository, registry) in [
            ("node", "node", "registry-1.docker.io"),
            ("node:22", "node", "registry-1.docker.io"),
            ("me/app:1", "me/app", "registry-1.docker.io"),
            ("localhost/app", "localhost/app", "localhost"),
            ("here:5000/app", "here:5000/app", "here:5000"),
            ("ghcr.io/me/app:1.2", "ghcr.io/me/app", "ghcr.io"),
        ] {
            assert_eq!(repository_of(name), repository, "{name}");
            assert_eq!(registry_of(name), registry, "{name}");
        }
    }

    #[test]
    fn the_digest_in_the_registry_goes_before_the_id() {
        let image = ImageInspect {
            id: Some("sha256:1".to_owned()),
            repo_digests: Some(vec!["me/app@sha256:2".to_owned()]),
            ..ImageInspect::default()
        };
        assert_eq!(meaning(&image, "me/app:1").as_deref(), Some("sha256:2"));
        assert_eq!(meaning(&image, "other:1").as_deref(), Some("sha256:1"));
    }
}
