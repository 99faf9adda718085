//! Who one is at registries: what `docker login` wrote for the person whom the agent runs as.

use std::collections::BTreeMap;
use std::path::PathBuf;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use landfall_model::env::Secret;
use landfall_runtime::docker::RegistryUser;
use serde::Deserialize;

/// The registry of images whose name has none.
const HUB: &str = "docker.io";

/// Users by the host of the registry.
pub type Logins = BTreeMap<String, RegistryUser>;

#[derive(Deserialize)]
struct Config {
    #[serde(default)]
    auths: BTreeMap<String, Auth>,
}

#[derive(Deserialize)]
struct Auth {
    auth: Option<String>,
}

/// The logins of the file, as it is now. None where there is no file, or none that can be read; what
/// a credential helper keeps is not known.
pub fn logins() -> Logins {
    let dir = std::env::var_os("DOCKER_CONFIG").map(PathBuf::from);
    let dir = dir.or_else(|| Some(PathBuf::from(std::env::var_os("HOME")?).join(".docker")));
    let text = dir.and_then(|dir| std::fs::read_to_string(dir.join("config.json")).ok());
    text.map(|text| read(&text)).unwrap_or_default()
}

fn read(text: &str) -> Logins {
    let config = serde_json::from_str::<Config>(text);
    let auths = config.map(|config| config.auths).unwrap_or_default();
    auths
        .into_iter()
        .filter_map(|(registry, auth)| Some((host(&registry), user(&auth.auth?)?)))
        .collect()
}

fn user(auth: &str) -> Option<RegistryUser> {
    let decoded = String::from_utf8(STANDARD.decode(auth).ok()?).ok()?;
    let (name, password) = decoded.split_once(':')?;
    Some(RegistryUser {
        name: name.to_owned(),
        password: Secret::new(password.trim_end_matches('\0')),
    })
}

/// Docker writes the address of the old API for its own registry.
fn host(registry: &str) -> String {
    let rest = registry
        .split_once("://")
        .map_or(registry, |(_, rest)| rest);
    match rest.split('/').next().unwrap_or(rest) {
        "index.docker.io" | "registry-1.docker.io" => HUB.to_owned(),
        host => host.to_owned(),
    }
}

/// The registry that an image's name leads to.
pub fn registry_of(image: &str) -> &str {
    match image.split_once('/') {
        Some((host, _)) if host.contains(['.', ':']) || host == "localhost" => host,
        _ => HUB,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn logins_are_read_as_docker_writes_them() {
        let logins = read(
            r#"{"auths": {"https://index.docker.io/v1/": {"auth": "YW5uOnMzY3JldDp4"},
                "localhost:5000": {"auth": "Ym9iOmI="}, "helped.example": {}},
                "credsStore": "desktop"}"#,
        );
        let named: Vec<_> = logins
            .iter()
            .map(|(host, user)| (host.as_str(), user.name.as_str(), user.password.reveal()))
            .collect();
        let all = [
            ("docker.io", "ann", "s3cret:x"),
            ("localhost:5000", "bob", "b"),
        ];
        assert_eq!(named, all);
        assert!(read("no json").is_empty());
    }

    #[test]
    fn the_registry_of_an_image_is_in_its_name() {
        for (image, registry) in [
            ("redis:7", "docker.io"),
            ("shop/web", "docker.io"),
            ("localhost/web", "localhost"),
            ("localhost:5000/web:1", "localhost:5000"),
            ("registry.example/a/b@sha256:1", "registry.example"),
        ] {
            assert_eq!(registry_of(image), registry, "{image}");
        }
    }
}
