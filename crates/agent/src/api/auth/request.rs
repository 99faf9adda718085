//! What a request for a plan or a deployment may hold when it comes over a limited connection.
//!
//! The request brings a whole spec, so naming the right environment is not enough: the spec must
//! be of the same one, stay in its release tree, and reach no further into the host than the
//! release that is live, which someone with a key without limits may have deployed.

use std::os::unix::fs::MetadataExt;
use std::path::{Component, Path};

use landfall_model::ServiceName;
use landfall_model::plan::Intent;
use landfall_model::spec::{AppSpec, Build, ServiceKind, ServiceSpec};
use landfall_store::EnvironmentKey;

use super::{Scope, reach};
use crate::api::Api;
use crate::api::error::Failed;
use crate::api::types::{DeployFrom, PlanRequest};

/// Refuses what is outside of the scope.
///
/// # Errors
/// With the first thing that is.
pub(super) fn check(api: &Api, scope: &Scope, request: &PlanRequest) -> Result<(), Failed> {
    let asked = key(&request.app, &request.environment);
    let verb = request.intent.verb();
    if asked != scope.key {
        return Err(scope.refuse(format!("to {verb} {asked} is not allowed")));
    }
    match request.intent {
        Intent::Deploy { .. } | Intent::Rollback { .. } | Intent::Restart { .. } => {}
        Intent::Scale { .. } | Intent::Start { .. } | Intent::Stop { .. } => {
            return Err(scope.refuse(format!("to {verb} is not allowed")));
        }
    }
    let Some(deploy) = &request.deploy else {
        return Ok(());
    };
    if let DeployFrom::Directory(root) = &deploy.from {
        let message = format!(
            "to build in {} of the server is not allowed",
            root.display()
        );
        return Err(scope.refuse(message));
    }
    let mut builds = deploy.spec.builds();
    if deploy.source.is_some() && builds.any(|(_, build)| matches!(build, Build::Image(_))) {
        // What a Dockerfile runs, the engine runs.
        return Err(scope.refuse("to build images on the server is not allowed".to_owned()));
    }
    let (app, environment) = (&scope.key.app, &scope.key.environment);
    for (name, path) in writable(&deploy.spec) {
        let kept = api.world.paths.persistent(app, environment, name);
        if is_below_what_the_app_writes(&kept, path) {
            let message =
                format!("{name} names {path:?}, which is below what it could write before");
            return Err(scope.refuse(message));
        }
    }
    let live = live_spec(api, &scope.key)?;
    check_spec(&scope.key, &deploy.spec, live.as_ref()).map_err(|what| scope.refuse(what))
}

fn key(
    app: &landfall_model::AppName,
    environment: &landfall_model::EnvironmentName,
) -> EnvironmentKey {
    EnvironmentKey {
        app: app.clone(),
        environment: environment.clone(),
    }
}

fn live_spec(api: &Api, key: &EnvironmentKey) -> Result<Option<AppSpec>, Failed> {
    let store = &api.world.store;
    let live = store.environment(key)?.and_then(|row| row.live);
    let Some(number) = live else {
        return Ok(None);
    };
    let row = store.release(key, number)?;
    Ok(row.map(|row| row.release.spec))
}

fn check_spec(
    scope: &EnvironmentKey,
    spec: &AppSpec,
    live: Option<&AppSpec>,
) -> Result<(), String> {
    let asked = key(&spec.app, &spec.environment);
    if asked != *scope {
        return Err(format!("to deploy {asked} is not allowed"));
    }
    if let Some(project) = &spec.adopts
        && live.and_then(|live| live.adopts.as_ref()) != Some(project)
    {
        return Err(format!(
            "to take over the Compose project {project} is not allowed"
        ));
    }
    for (name, service) in &spec.services {
        if let Some(path) = outside(service) {
            return Err(format!(
                "{name} names {path:?}, which leaves its release tree"
            ));
        }
        if let Some(Build::Image(_)) = &service.build {
            return Err(format!(
                "to build the image of {name} on the server is not allowed"
            ));
        }
    }
    let before = live.map(|live| reach::of(scope, live)).unwrap_or_default();
    let further = reach::of(scope, spec);
    match further.difference(&before).next() {
        Some(what) => Err(format!("{what}, which the release that is live does not")),
        None => Ok(()),
    }
}

fn writable(spec: &AppSpec) -> impl Iterator<Item = (&ServiceName, &str)> {
    spec.services.iter().flat_map(|(name, service)| {
        let paths = service.process().map(|process| process.writable.as_slice());
        let paths = paths.unwrap_or_default().iter();
        paths.map(move |path| (name, path.as_str()))
    })
}

/// Whether the app could have put a link of its own above the last part of a path that is kept:
/// the agent, which may be root, would follow it.
fn is_below_what_the_app_writes(kept: &Path, path: &str) -> bool {
    let own = rustix::process::geteuid().as_raw();
    let above = Path::new(path)
        .parent()
        .into_iter()
        .flat_map(Path::components);
    let mut at = kept.to_owned();
    above.into_iter().any(|part| {
        at.push(part);
        let meta = at.symlink_metadata();
        meta.is_ok_and(|meta| meta.is_symlink() || meta.uid() != own)
    })
}

/// A path that a service names in its release tree and that is not in it.
fn outside(service: &ServiceSpec) -> Option<&str> {
    let paths: Vec<&str> = match &service.kind {
        ServiceKind::Process(process) => {
            let writable = process.writable.iter().map(String::as_str);
            writable.chain([process.dir.as_str()]).collect()
        }
        ServiceKind::Static(files) => {
            let fallback = files
                .fallback
                .as_deref()
                .map(|path| path.trim_start_matches('/'));
            fallback.into_iter().chain([files.dir.as_str()]).collect()
        }
        ServiceKind::Container(_) => Vec::new(),
    };
    let stays = |path: &&str| {
        let mut parts = Path::new(path).components();
        parts.all(|part| matches!(part, Component::Normal(_) | Component::CurDir))
    };
    paths.into_iter().find(|path| !stays(path))
}

#[cfg(test)]
mod tests {
    use landfall_model::container::{ContainerRun, MountSource, MountSpec};
    use serde_json::json;

    use super::*;

    fn spec(service: &serde_json::Value) -> AppSpec {
        let spec = json!({
            "format": 1, "app": "shop", "environment": "production",
            "services": { "web": {
                "kind": service, "build": null, "artifact": "web", "replicas": 1,
                "needs": [], "env": {}, "version": null,
            }},
            "routes": [], "tasks": {}, "smoke": [], "watch": null,
            "keep_releases": 5, "drain": 1000,
        });
        serde_json::from_value(spec).unwrap()
    }

    fn files(dir: &str) -> AppSpec {
        spec(&json!({ "static": { "dir": dir, "fallback": null, "immutable": [] } }))
    }

    fn container(run: &ContainerRun) -> AppSpec {
        spec(&json!({ "container": {
            "run": run, "files": [], "is_told_port": true,
            "life": {
                "overlap": true,
                "ready": {
                    "probe": "tcp", "within": 1, "start_period": 0, "interval": 1,
                    "timeout": 1, "failures": null,
                },
                "stop": { "signal": "SIGTERM", "grace": 1 },
                "restart": {
                    "backoff": 1, "max_backoff": 1, "crash_loop_exits": 1,
                    "crash_loop_window": 1, "stable_after": 1,
                },
                "limits": {},
            },
        }}))
    }

    fn scope() -> EnvironmentKey {
        key(&"shop".parse().unwrap(), &"production".parse().unwrap())
    }

    fn mounted(path: &str) -> ContainerRun {
        let mount = MountSpec {
            target: "/host".into(),
            source: MountSource::Bind {
                path: path.into(),
                create: false,
                propagation: None,
            },
            read_only: false,
        };
        ContainerRun {
            mounts: vec![mount],
            ..ContainerRun::default()
        }
    }

    #[test]
    fn g5_a_limited_key_deploys_no_other_app_under_the_name_of_its_own() {
        let mut other = files(".");
        assert_eq!(check_spec(&scope(), &other, None), Ok(()));
        other.app = "blog".parse().unwrap();
        let refused = check_spec(&scope(), &other, None).unwrap_err();
        assert!(refused.contains("blog/production"), "{refused}");
    }

    #[test]
    fn g5_a_limited_key_serves_no_files_of_the_host() {
        for dir in ["..", "a/../../b", "/etc"] {
            assert!(check_spec(&scope(), &files(dir), None).is_err(), "{dir}");
        }
        assert_eq!(check_spec(&scope(), &files("./dist/web"), None), Ok(()));
    }

    #[test]
    fn g5_a_limited_key_opens_no_further_way_into_the_host() {
        let harmless = container(&ContainerRun::default());
        assert_eq!(check_spec(&scope(), &harmless, None), Ok(()));
        let mounts = container(&mounted("/srv/shop"));
        let refused = check_spec(&scope(), &mounts, Some(&harmless)).unwrap_err();
        assert!(refused.contains("/srv/shop"), "{refused}");
        assert_eq!(check_spec(&scope(), &mounts, Some(&mounts)), Ok(()));
        let root = container(&mounted("/"));
        assert!(check_spec(&scope(), &root, Some(&mounts)).is_err());
        let mut privileged = ContainerRun::default();
        privileged.security.privileged = true;
        assert!(check_spec(&scope(), &container(&privileged), Some(&mounts)).is_err());
    }

    #[test]
    fn g5_a_limited_key_makes_the_agent_follow_no_link_of_the_app() {
        let kept = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(kept.path().join("a/b")).unwrap();
        std::os::unix::fs::symlink("/etc", kept.path().join("link")).unwrap();
        let is_below = |path| is_below_what_the_app_writes(kept.path(), path);
        assert!(!is_below("a/b/c") && !is_below("new/one") && !is_below("link"));
        assert!(is_below("link/x") && is_below("link/x/y"));
    }

    #[test]
    fn g5_a_limited_key_takes_over_no_compose_project() {
        let mut adopting = files(".");
        adopting.adopts = Some("mail".into());
        assert!(check_spec(&scope(), &adopting, None).is_err());
        assert_eq!(check_spec(&scope(), &adopting, Some(&adopting)), Ok(()));
    }
}
