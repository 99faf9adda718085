//! What of a project is not carried out where its services run as plain containers.
//!
//! The table names every key that is not carried out, and whether that matters. What it does not
//! name is carried out: by the container, or because resolving the project has used it up.

use super::tree::{Node, Path, Place, Value};

/// A key that is not carried out.
#[derive(Debug, Clone)]
pub struct Note<'a> {
    /// The key with the names on the way to it, like `services.web.attach`.
    pub key: String,
    /// Where it is written.
    pub at: &'a Place,
    /// Whether the project does something else without it.
    pub matters: bool,
    /// What becomes of it.
    pub why: &'static str,
}

/// Whether it matters that a key is not carried out, and what to say about it.
enum Left {
    NoEffect(&'static str),
    Matters(&'static str),
}
use Left::{Matters, NoEffect};

const WINDOWS: Left = NoEffect("only Windows containers know it");
const SWARM: Left = NoEffect("only a Swarm cluster knows it");
const DEVELOPING: Left = NoEffect("it is for developing, and does nothing to what is deployed");

const PULL_POLICY: &str = "services.*.pull_policy";
/// Those that ask for nothing else than what is done.
const CARRIED_OUT_POLICIES: [&str; 2] = ["missing", "build"];

const TABLE: &[(&str, Left)] = &[
    (
        "services.*.attach",
        NoEffect("it is about the output of `docker compose up`"),
    ),
    (
        "services.*.build.cache_to",
        NoEffect(
            "a cache goes into the image where it says `type=inline`, and others save only time",
        ),
    ),
    (
        "services.*.build.entitlements",
        Matters("builds are given no further rights"),
    ),
    ("services.*.build.isolation", WINDOWS),
    (
        "services.*.build.privileged",
        Matters("builds are given no further rights"),
    ),
    (
        "services.*.build.provenance",
        NoEffect("no attestation is made"),
    ),
    ("services.*.build.sbom", NoEffect("no attestation is made")),
    (
        "services.*.build.ssh",
        Matters("builds are given no keys of SSH"),
    ),
    (
        "services.*.build.tags",
        Matters("an image has the name that Landfall gives it, and no other"),
    ),
    ("services.*.cpu_count", WINDOWS),
    ("services.*.cpu_percent", WINDOWS),
    ("services.*.credential_spec", WINDOWS),
    ("services.*.deploy.endpoint_mode", SWARM),
    ("services.*.deploy.labels", SWARM),
    (
        "services.*.deploy.mode",
        Matters("every service runs as many containers as `replicas` says"),
    ),
    (
        "services.*.deploy.placement",
        Matters("everything runs on one machine"),
    ),
    (
        "services.*.deploy.resources.reservations.cpus",
        NoEffect("no share of the processor is kept free"),
    ),
    (
        "services.*.deploy.resources.reservations.generic_resources",
        Matters("only a Swarm cluster knows such resources"),
    ),
    (
        "services.*.deploy.rollback_config",
        NoEffect("going back is Landfall's own business"),
    ),
    ("services.*.develop", DEVELOPING),
    (
        "services.*.external_links",
        Matters("containers of others are reached by networks only"),
    ),
    ("services.*.isolation", WINDOWS),
    ("services.*.models", Matters("no models are run")),
    (
        "services.*.networks.*.interface_name",
        Matters("the network's interface has another name"),
    ),
    (
        "services.*.ports.[].app_protocol",
        NoEffect("it only describes"),
    ),
    ("services.*.ports.[].name", NoEffect("it only describes")),
    (
        "services.*.post_start",
        Matters("nothing is run in a container after it has started"),
    ),
    (
        "services.*.pre_stop",
        Matters("nothing is run in a container before it stops"),
    ),
    (
        "services.*.provider",
        Matters("no other program is asked to run the service"),
    ),
    (
        "services.*.secrets.[].gid",
        Matters("whoever runs in the container can read the file, and nobody can write to it"),
    ),
    (
        "services.*.secrets.[].mode",
        Matters("whoever runs in the container can read the file, and nobody can write to it"),
    ),
    (
        "services.*.secrets.[].uid",
        Matters("whoever runs in the container can read the file, and nobody can write to it"),
    ),
    (
        "services.*.use_api_socket",
        Matters("containers do not get the engine's socket"),
    ),
    (
        "configs.*.external",
        Matters("only a Swarm cluster has such configs"),
    ),
    (
        "configs.*.template_driver",
        Matters("only a Swarm cluster fills in templates"),
    ),
    ("networks.*.attachable", SWARM),
    (
        "secrets.*.driver",
        Matters("only a Swarm cluster has drivers of secrets"),
    ),
    (
        "secrets.*.driver_opts",
        Matters("only a Swarm cluster has drivers of secrets"),
    ),
    (
        "secrets.*.external",
        Matters("only a Swarm cluster has such secrets"),
    ),
    (
        "secrets.*.template_driver",
        Matters("only a Swarm cluster fills in templates"),
    ),
    (
        "services.*.annotations",
        Matters("no container is given this"),
    ),
    (
        "services.*.blkio_config",
        Matters("no container is given this"),
    ),
    ("services.*.cgroup", Matters("no container is given this")),
    (
        "services.*.cgroup_parent",
        Matters("no container is given this"),
    ),
    (
        "services.*.cpu_rt_period",
        Matters("no container is given this"),
    ),
    (
        "services.*.cpu_rt_runtime",
        Matters("no container is given this"),
    ),
    (
        "services.*.device_cgroup_rules",
        Matters("no container is given this"),
    ),
    (
        "services.*.domainname",
        Matters("no container is given this"),
    ),
    (
        "services.*.mac_address",
        Matters("no container is given this"),
    ),
    (
        "services.*.mem_swappiness",
        Matters("no container is given this"),
    ),
    (
        "services.*.oom_kill_disable",
        Matters("no container is given this"),
    ),
    (
        "services.*.storage_opt",
        Matters("no container is given this"),
    ),
    ("services.*.uts", Matters("no container is given this")),
    (
        "services.*.gpus",
        Matters("no container is given devices by what they can do"),
    ),
    (
        "services.*.deploy.resources.reservations.devices",
        Matters("no container is given devices by what they can do"),
    ),
    (
        "services.*.container_name",
        NoEffect(
            "a container is called after its instance; others on its networks find it by this name too",
        ),
    ),
    (
        "services.*.links",
        Matters("services find each other by their own names only"),
    ),
    (
        "services.*.depends_on.*.restart",
        Matters("a service is not restarted because another one is"),
    ),
    (
        "services.*.deploy.restart_policy",
        NoEffect("Landfall keeps every service running"),
    ),
    (
        "services.*.restart",
        NoEffect("Landfall keeps every service running"),
    ),
    (
        "services.*.deploy.update_config.parallelism",
        NoEffect("replacing is Landfall's own business"),
    ),
    (
        "services.*.deploy.update_config.delay",
        NoEffect("replacing is Landfall's own business"),
    ),
    (
        "services.*.deploy.update_config.failure_action",
        NoEffect("replacing is Landfall's own business"),
    ),
    (
        "services.*.deploy.update_config.monitor",
        NoEffect("replacing is Landfall's own business"),
    ),
    (
        "services.*.deploy.update_config.max_failure_ratio",
        NoEffect("replacing is Landfall's own business"),
    ),
    (
        "services.*.healthcheck.start_interval",
        NoEffect("Landfall asks at its own pace until a service is ready"),
    ),
    (
        "services.*.logging",
        NoEffect("logs are kept by Landfall, in files of bounded size"),
    ),
    (
        "services.*.networks.*.driver_opts",
        Matters("no container is given this"),
    ),
    (
        "services.*.networks.*.gw_priority",
        Matters("no container is given this"),
    ),
    (
        "services.*.networks.*.ipv4_address",
        Matters("old and new containers run side by side, and need an address each"),
    ),
    (
        "services.*.networks.*.ipv6_address",
        Matters("old and new containers run side by side, and need an address each"),
    ),
    (
        "services.*.networks.*.link_local_ips",
        Matters("old and new containers run side by side, and need an address each"),
    ),
    (
        "services.*.networks.*.mac_address",
        Matters("old and new containers run side by side, and need an address each"),
    ),
    ("services.*.platform", Matters("an image is run as it is")),
    (
        PULL_POLICY,
        Matters("an image is pulled when it is not on the machine, and only then"),
    ),
    (
        "services.*.volumes.[].consistency",
        NoEffect("only Docker Desktop knows it"),
    ),
    (
        "services.*.volumes.[].bind.recursive",
        Matters("no container is given this"),
    ),
    (
        "services.*.volumes.[].bind.selinux",
        Matters("no container is given this"),
    ),
    (
        "services.*.volumes.[].volume.labels",
        NoEffect("volumes are labelled as Landfall's"),
    ),
    (
        "services.*.volumes.[].volume.subpath",
        Matters("the whole volume is mounted"),
    ),
    (
        "services.*.configs.[].uid",
        Matters("whoever runs in the container can read the file, and nobody can write to it"),
    ),
    (
        "services.*.configs.[].gid",
        Matters("whoever runs in the container can read the file, and nobody can write to it"),
    ),
    (
        "services.*.configs.[].mode",
        Matters("whoever runs in the container can read the file, and nobody can write to it"),
    ),
    ("configs.*.labels", NoEffect("they only describe")),
    ("secrets.*.labels", NoEffect("they only describe")),
    (
        "volumes.*.labels",
        NoEffect("volumes are labelled as Landfall's"),
    ),
    (
        "networks.*.enable_ipv4",
        Matters("a network has addresses of version 4"),
    ),
];

/// All notes about a canonical tree, in its order.
pub(super) fn of(tree: &Node) -> Vec<Note<'_>> {
    let mut notes = Vec::new();
    walk(tree, &Path::ROOT, &mut notes);
    notes
}

fn walk<'a>(node: &'a Node, path: &Path<'_>, notes: &mut Vec<Note<'a>>) {
    let is_empty = node.map().is_some_and(|map| map.is_empty());
    if let Some((_, left)) = TABLE.iter().find(|(pattern, _)| path.is(pattern)) {
        let (matters, why) = match left {
            NoEffect(why) => (false, why),
            Matters(why) => (true, why),
        };
        // What is only there because the canonical form always shows it was never asked for.
        if !is_empty && !is_done(node, path) {
            notes.push(Note {
                key: path.to_string(),
                at: node.named_at(),
                matters,
                why,
            });
        }
        return;
    }
    match &node.value {
        Value::Map(map) => {
            for (key, field) in map {
                walk(field, &path.field(key), notes);
            }
        }
        Value::List(list) => {
            for item in list {
                walk(item, &path.item(), notes);
            }
        }
        _ => {}
    }
}

/// Whether what is asked for is what is done, of a key that may ask for something else.
fn is_done(node: &Node, path: &Path<'_>) -> bool {
    let is_named = |text: &str| CARRIED_OUT_POLICIES.contains(&text);
    path.is(PULL_POLICY) && node.text().is_some_and(is_named)
}

#[cfg(test)]
mod tests {
    use super::TABLE;
    use crate::compose::spec::{Fields, Form, TOP};

    /// Whether the specification has a key at this pattern.
    fn is_known(pattern: &str) -> bool {
        let mut names = pattern
            .split('.')
            .filter(|name| *name != "*" && *name != "[]")
            .peekable();
        let mut fields: &'static Fields = &TOP;
        while let Some(name) = names.next() {
            let Some(key) = fields.key(name) else {
                return false;
            };
            match key.form {
                Form::Fields(f) | Form::Whatever(f) | Form::Each(f) | Form::Named(f) => fields = f,
                _ => return names.peek().is_none(),
            }
        }
        true
    }

    #[test]
    fn every_note_is_about_a_key_that_exists() {
        let unknown = TABLE
            .iter()
            .map(|(pattern, _)| *pattern)
            .filter(|p| !is_known(p));
        assert_eq!(unknown.collect::<Vec<_>>(), [""; 0]);
    }
}
