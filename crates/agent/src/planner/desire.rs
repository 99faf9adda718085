//! What a request asks for, with the artifacts that are there for it.

use std::collections::BTreeMap;
use std::path::Path;

use landfall_model::plan::{BuildNeed, BuildReason, Desired, Intent, only};
use landfall_model::release::{Artifact, Release};
use landfall_model::spec::{AppSpec, Build, SPEC_FORMAT};
use landfall_model::{Cause, CauseKind, Digest, ServiceName};
use landfall_store::{EnvironmentKey, NewDeployment};

use super::refused;
use crate::ports::artifacts::{BuiltInputs, Elsewhere, Hold};
use crate::world::{World, store_cause};

pub(super) type Wanted = (Desired, BTreeMap<ServiceName, Artifact>, Vec<Hold>);

pub(super) async fn desire(
    world: &World,
    key: &EnvironmentKey,
    request: &NewDeployment,
    elsewhere: Option<&Elsewhere>,
    live: Option<Release>,
    target: Option<Release>,
) -> Result<Wanted, Cause> {
    let intent = request.intent.clone();
    if matches!(intent, Intent::Deploy { .. }) {
        return desire_deploy(world, key, request, elsewhere, live).await;
    }
    let release = target.or(live).ok_or_else(|| {
        Cause::new(
            CauseKind::Refused,
            format!("nothing is deployed to {key} yet"),
        )
        .with_fix("run `landfall deploy` first")
    })?;
    let mut spec = release.spec;
    if let Intent::Scale { replicas } = &intent {
        scale(&mut spec, replicas)?;
    }
    let mut holds = Vec::new();
    for artifact in release.artifacts.values().filter(|a| !a.is_image()) {
        holds.push(world.artifacts.hold(artifact.digest)?);
    }
    let needs = release.artifacts.iter();
    let builds = needs
        .map(|(name, a)| (name.clone(), BuildNeed::Exists(a.clone())))
        .collect();
    let desired = Desired {
        intent,
        spec,
        builds,
        source: release.source,
    };
    Ok((desired, release.artifacts, holds))
}

fn scale(spec: &mut AppSpec, replicas: &BTreeMap<ServiceName, u32>) -> Result<(), Cause> {
    for (name, count) in replicas {
        let Some(service) = spec.services.get_mut(name) else {
            continue;
        };
        let fixed = service.life().is_none_or(|_| service.holds_host_port());
        if *count == 0 || (fixed && *count > 1) {
            let message = format!("{name} cannot have {count} instances");
            let fix = match *count {
                0 => "`landfall stop` stops a service",
                _ => "only services that insist on no port of the host can have more than one",
            };
            return Err(Cause::new(CauseKind::Refused, message).with_fix(fix));
        }
        service.replicas = *count;
    }
    Ok(())
}

async fn desire_deploy(
    world: &World,
    key: &EnvironmentKey,
    request: &NewDeployment,
    elsewhere: Option<&Elsewhere>,
    live: Option<Release>,
) -> Result<Wanted, Cause> {
    let missing = || {
        Cause::new(
            CauseKind::Refused,
            "a deploy needs a spec and a source directory",
        )
    };
    let spec = request.spec.clone().ok_or_else(missing)?;
    let sources = Sources {
        here: request.root.as_deref(),
        elsewhere,
    };
    if sources.here.is_none() && sources.elsewhere.is_none() {
        return Err(missing());
    }
    let Intent::Deploy { force, only } = &request.intent else {
        return Err(missing());
    };
    if spec.format > SPEC_FORMAT {
        let message = format!(
            "the spec has format {}, this agent knows {SPEC_FORMAT}",
            spec.format
        );
        return Err(Cause::new(CauseKind::Refused, message).with_fix("upgrade the agent"));
    }
    let (spec, kept) = match only.is_empty() {
        true => (spec, BTreeMap::new()),
        false => only_some(&spec, live, only)?,
    };
    let (mut builds, mut holds) = (BTreeMap::new(), Vec::new());
    for (service, artifact) in kept {
        holds.extend(hold_kept(world, &service, &artifact).await?);
        builds.insert(service, BuildNeed::Exists(artifact));
    }
    let is_kept = |name: &ServiceName| spec.kept.contains_key(name);
    for (service, build) in spec.builds().filter(|(name, _)| !is_kept(name)) {
        let inputs = sources.inputs(world, service, build).await?;
        let need = match force {
            true => BuildNeed::Needed(BuildReason::Forced),
            false => need(world, key, service, &inputs, &mut holds).await?,
        };
        builds.insert(service.clone(), need);
    }
    builds.extend(images(world, &spec).await?);
    let artifacts = builds.iter().filter_map(|(service, need)| match need {
        BuildNeed::Exists(artifact) => Some((service.clone(), artifact.clone())),
        BuildNeed::Needed(_) => None,
    });
    let artifacts = artifacts.collect();
    let desired = Desired {
        intent: request.intent.clone(),
        spec,
        builds,
        source: request.source.clone(),
    };
    Ok((desired, artifacts, holds))
}

/// Where the inputs of builds are.
struct Sources<'a> {
    /// In a directory of this host.
    here: Option<&'a Path>,
    /// Where they were hashed.
    elsewhere: Option<&'a Elsewhere>,
}

impl Sources<'_> {
    async fn inputs(
        &self,
        world: &World,
        service: &ServiceName,
        build: &Build,
    ) -> Result<BuiltInputs, Cause> {
        let elsewhere = self.elsewhere.and_then(|builds| builds.get(service));
        match (elsewhere, self.here) {
            (Some(built), _) => Ok(built.inputs.clone()),
            (None, Some(root)) => world.inputs(root, build).await,
            (None, None) => {
                let message = format!("the request does not say what {service} is built from");
                Err(Cause::new(CauseKind::Refused, message))
            }
        }
    }
}

async fn hold_kept(
    world: &World,
    service: &ServiceName,
    artifact: &Artifact,
) -> Result<Option<Hold>, Cause> {
    let hold = world.hold(artifact)?;
    match world.has_artifact(artifact).await {
        true => Ok(hold),
        false => {
            let message = format!("what {service} runs is not stored any more");
            let fix = format!("deploy {service} too");
            Err(Cause::new(CauseKind::ArtifactGone, message).with_fix(fix))
        }
    }
}

/// Whether a build has to be made of its inputs. What exists is held.
async fn need(
    world: &World,
    key: &EnvironmentKey,
    service: &ServiceName,
    inputs: &BuiltInputs,
    holds: &mut Vec<Hold>,
) -> Result<BuildNeed, Cause> {
    let known = world.store.build(&key.app, service, &inputs.digest);
    let Some(row) = known.map_err(store_cause)? else {
        let newest = world.store.newest_build(&key.app, service);
        let newest = newest.map_err(store_cause)?;
        return Ok(BuildNeed::Needed(newest.map_or(
            BuildReason::First,
            |before| {
                let changed = world.artifacts.explain(&before.files, inputs);
                BuildReason::InputsChanged(changed)
            },
        )));
    };
    let artifact = Artifact {
        digest: row.artifact,
        inputs: row.inputs,
    };
    let hold = world.hold(&artifact)?;
    Ok(match world.has_artifact(&artifact).await {
        true => {
            holds.extend(hold);
            BuildNeed::Exists(artifact)
        }
        false => BuildNeed::Needed(BuildReason::ArtifactGone),
    })
}

/// The spec of a deploy of some services, and the artifacts of those that stay as they are.
fn only_some(
    wanted: &AppSpec,
    live: Option<Release>,
    names: &[ServiceName],
) -> Result<(AppSpec, BTreeMap<ServiceName, Artifact>), Cause> {
    let live = live.ok_or_else(|| {
        Cause::new(
            CauseKind::Refused,
            "nothing is deployed yet that the rest could stay at",
        )
        .with_fix("deploy all services first: `landfall deploy`")
    })?;
    let spec = only(wanted, &live, names).map_err(refused)?;
    let mut artifacts = live.artifacts;
    artifacts.retain(|service, _| spec.kept.contains_key(service));
    Ok((spec, artifacts))
}

/// The images that containers are to run and that nobody builds, as their names mean them now.
async fn images(world: &World, spec: &AppSpec) -> Result<Vec<(ServiceName, BuildNeed)>, Cause> {
    let mut found = Vec::new();
    for (name, service) in &spec.services {
        let Some(container) = service.container() else {
            continue;
        };
        let is_named = service.build.is_none() && service.artifact == *name;
        if !is_named || spec.kept.contains_key(name) {
            continue;
        }
        let image = &container.run.image;
        let need = match world.images.find(image).await? {
            Some(digest) => BuildNeed::Exists(Artifact {
                digest,
                inputs: Digest::of(image.as_bytes()),
            }),
            None => BuildNeed::Needed(BuildReason::NotHere),
        };
        found.push((name.clone(), need));
    }
    Ok(found)
}
