//! Gathers what is asked for and what is, and has the model plan it.

use std::collections::BTreeMap;

use landfall_model::env::Part;
use landfall_model::plan::{
    BuildNeed, BuildReason, Desired, Intent, Observed, ObservedInstance, Plan, Refusal, only, plan,
};
use landfall_model::release::{Artifact, Release, SourceInfo};
use landfall_model::spec::{AppSpec, SPEC_FORMAT, VersionSpec};
use landfall_model::{Cause, CauseKind, Digest, ReleaseNumber, ServiceName};
use landfall_runtime::InstanceState;
use landfall_store::{EnvironmentKey, EnvironmentRow, InstancePhase, NewDeployment, ReleaseRow};

use crate::ports::artifacts::Hold;
use crate::world::{World, store_cause};
use crate::{adoption, claims};

/// A plan with what carrying it out needs besides.
pub struct Planned {
    /// The plan.
    pub plan: Plan,
    /// Artifacts that exist, by the service that declares the build.
    pub artifacts: BTreeMap<ServiceName, Artifact>,
    /// Keeps them.
    pub holds: Vec<Hold>,
    /// The release, where it is neither built nor changed.
    pub release: Option<Release>,
    /// The spec of the release.
    pub spec: AppSpec,
    /// Where its source came from.
    pub source: SourceInfo,
}

/// Plans a request against what is now.
///
/// # Errors
/// When the request contradicts what is, or inputs cannot be read.
pub async fn plan_request(
    world: &World,
    key: &EnvironmentKey,
    request: &NewDeployment,
) -> Result<Planned, Cause> {
    let environment = world.store.environment(key).map_err(store_cause)?;
    let live = match environment.as_ref().and_then(|row| row.live) {
        Some(number) => world.store.release(key, number).map_err(store_cause)?,
        None => None,
    };
    let live = live.map(|row| row.release);
    let target = target(world, key, &request.intent, live.as_ref()).await?;
    let mut observed = observe(
        world,
        key,
        environment.as_ref(),
        live.clone(),
        target.clone(),
    )
    .await?;
    let (desired, artifacts, holds) = desire(world, key, request, live, target).await?;
    observed.compose = adoption::containers(world, &desired).await?;
    // Looked at once more in the deployment, which may wait for its turn.
    claims::check(world, key, &desired.spec)?;
    check_versions(&desired)?;
    let plan = plan(&desired, &observed).map_err(refused)?;
    let release = release_of(&desired.intent, &observed);
    let (spec, source) = (desired.spec, desired.source);
    Ok(Planned {
        plan,
        artifacts,
        holds,
        release,
        spec,
        source,
    })
}

/// Refuses to ask an app for a version that is not known.
fn check_versions(desired: &Desired) -> Result<(), Cause> {
    let only_commit = |version: &VersionSpec| version.expect.0 == [Part::Commit];
    let services = desired.spec.services.iter();
    let mut asked = services
        .filter(|(_, service)| service.version.as_ref().is_some_and(only_commit))
        .map(|(name, _)| name);
    match (asked.next(), &desired.source.commit) {
        (Some(name), None) => {
            let message = format!("{name} is to answer with its commit, and there is none");
            Err(Cause::new(CauseKind::Refused, message).with_fix(format!(
                "deploy from a git repository, or say in [service.{name}] what it answers: \
                 `version = {{ path = \"…\", expect = \"…\" }}`"
            )))
        }
        _ => Ok(()),
    }
}

fn refused(refusal: Refusal) -> Cause {
    Cause::new(refusal.kind, refusal.message)
}

async fn observe(
    world: &World,
    key: &EnvironmentKey,
    environment: Option<&EnvironmentRow>,
    live: Option<Release>,
    target: Option<Release>,
) -> Result<Observed, Cause> {
    let rows = world.store.instances(key).map_err(store_cause)?;
    let statuses = world
        .runtime
        .list()
        .await
        .map_err(crate::executor::internal_cause)?;
    let running = |id| {
        statuses.iter().any(|status| {
            status.spec.id == id
                && !matches!(status.state, InstanceState::Exited | InstanceState::Lost)
        })
    };
    let serving = rows
        .into_iter()
        .filter(|row| row.phase == InstancePhase::Serving);
    let instance = |row: landfall_store::InstanceRow| ObservedInstance {
        running: running(row.id.clone()),
        id: row.id,
        service: row.service,
        key: row.digest,
    };
    Ok(Observed {
        next_release: environment.map_or(ReleaseNumber(1), |row| row.next_release),
        live,
        target,
        stopped: environment
            .map(|row| row.stopped.clone())
            .unwrap_or_default(),
        instances: serving.map(instance).collect(),
        compose: Vec::new(),
    })
}

/// For a rollback: the release to return to.
async fn target(
    world: &World,
    key: &EnvironmentKey,
    intent: &Intent,
    live: Option<&Release>,
) -> Result<Option<Release>, Cause> {
    let Intent::Rollback { to } = intent else {
        return Ok(None);
    };
    let live = live.map(|release| release.number);
    let row = match to {
        Some(number) => world
            .store
            .release(key, *number)
            .map_err(store_cause)?
            .ok_or_else(|| {
                let message = format!("there is no release {number} of {key}");
                Cause::new(CauseKind::Refused, message)
                    .with_fix("`landfall releases` lists those that there are")
            })?,
        None => previous(world, key, live)?,
    };
    let number = row.release.number;
    if Some(number) == live {
        return Err(Cause::new(
            CauseKind::Refused,
            format!("release {number} is live already"),
        ));
    }
    if let Some(why) = row.retired {
        return Err(Cause::new(
            CauseKind::ArtifactGone,
            format!("release {number} is gone: {why}"),
        )
        .with_fix("deploy that version again from its source"));
    }
    for (service, artifact) in &row.release.artifacts {
        if !world.has_artifact(artifact).await {
            let short = artifact.digest.short();
            let message =
                format!("release {number} is gone: artifact {short} of {service} is not stored");
            return Err(Cause::new(CauseKind::ArtifactGone, message)
                .with_fix("deploy that version again from its source"));
        }
    }
    Ok(Some(row.release))
}

/// The newest kept release before the live one.
fn previous(
    world: &World,
    key: &EnvironmentKey,
    live: Option<ReleaseNumber>,
) -> Result<ReleaseRow, Cause> {
    let releases = world.store.releases(key).map_err(store_cause)?;
    let before = |row: &ReleaseRow| live.is_some_and(|live| row.release.number < live);
    let kept = releases
        .into_iter()
        .find(|row| before(row) && row.retired.is_none());
    kept.ok_or_else(|| {
        Cause::new(
            CauseKind::Refused,
            "there is no earlier release to go back to",
        )
        .with_fix("`landfall releases` lists those that there are")
    })
}

type Wanted = (Desired, BTreeMap<ServiceName, Artifact>, Vec<Hold>);

async fn desire(
    world: &World,
    key: &EnvironmentKey,
    request: &NewDeployment,
    live: Option<Release>,
    target: Option<Release>,
) -> Result<Wanted, Cause> {
    let intent = request.intent.clone();
    if matches!(intent, Intent::Deploy { .. }) {
        return desire_deploy(world, key, request, live).await;
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
    live: Option<Release>,
) -> Result<Wanted, Cause> {
    let missing = || {
        Cause::new(
            CauseKind::Refused,
            "a deploy needs a spec and a source directory",
        )
    };
    let spec = request.spec.clone().ok_or_else(missing)?;
    let root = request.root.clone().ok_or_else(missing)?;
    if spec.format > SPEC_FORMAT {
        let message = format!(
            "the spec has format {}, this agent knows {SPEC_FORMAT}",
            spec.format
        );
        return Err(Cause::new(CauseKind::Refused, message).with_fix("upgrade the agent"));
    }
    let Intent::Deploy { force, only } = &request.intent else {
        return Err(missing());
    };
    let (spec, mut artifacts) = match only.is_empty() {
        true => (spec, BTreeMap::new()),
        false => only_some(&spec, live, only)?,
    };
    let (mut builds, mut holds) = (BTreeMap::new(), Vec::new());
    for (service, artifact) in &artifacts {
        holds.extend(world.hold(artifact)?);
        if !world.has_artifact(artifact).await {
            let message = format!("what {service} runs is not stored any more");
            return Err(Cause::new(CauseKind::ArtifactGone, message)
                .with_fix(format!("deploy {service} too")));
        }
        builds.insert(service.clone(), BuildNeed::Exists(artifact.clone()));
    }
    for (service, build) in spec
        .builds()
        .filter(|(name, _)| !spec.kept.contains_key(*name))
    {
        let inputs = world.inputs(&root, build).await?;
        let known = world
            .store
            .build(&key.app, service, &inputs.digest)
            .map_err(store_cause)?;
        let need = match known {
            _ if *force => BuildNeed::Needed(BuildReason::Forced),
            Some(row) => {
                let artifact = Artifact {
                    digest: row.artifact,
                    inputs: row.inputs,
                };
                let hold = world.hold(&artifact)?;
                match world.has_artifact(&artifact).await {
                    true => {
                        holds.extend(hold);
                        BuildNeed::Exists(artifact)
                    }
                    false => BuildNeed::Needed(BuildReason::ArtifactGone),
                }
            }
            None => {
                let newest = world
                    .store
                    .newest_build(&key.app, service)
                    .map_err(store_cause)?;
                BuildNeed::Needed(newest.map_or(BuildReason::First, |before| {
                    let changed = world.artifacts.explain(&before.files, &inputs);
                    BuildReason::InputsChanged(changed)
                }))
            }
        };
        if let BuildNeed::Exists(artifact) = &need {
            artifacts.insert(service.clone(), artifact.clone());
        }
        builds.insert(service.clone(), need);
    }
    for (service, found) in images(world, &spec).await? {
        let need = match found {
            Some(artifact) => {
                artifacts.insert(service.clone(), artifact.clone());
                BuildNeed::Exists(artifact)
            }
            None => BuildNeed::Needed(BuildReason::NotHere),
        };
        builds.insert(service, need);
    }
    let (intent, source) = (request.intent.clone(), request.source.clone());
    Ok((
        Desired {
            intent,
            spec,
            builds,
            source,
        },
        artifacts,
        holds,
    ))
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

/// The images that containers are to run and that nobody builds, as their names mean them now;
/// `None` for those that are not on this machine.
async fn images(
    world: &World,
    spec: &AppSpec,
) -> Result<Vec<(ServiceName, Option<Artifact>)>, Cause> {
    let mut found = Vec::new();
    for (name, service) in &spec.services {
        let Some(container) = service.container() else {
            continue;
        };
        let is_here = service.build.is_none() && service.artifact == *name;
        if !is_here || spec.kept.contains_key(name) {
            continue;
        }
        let image = &container.run.image;
        let artifact = world.images.find(image).await?.map(|digest| Artifact {
            digest,
            inputs: Digest::of(image.as_bytes()),
        });
        found.push((name.clone(), artifact));
    }
    Ok(found)
}

/// What is neither built nor changed is known before anything runs; the release of a deploy or a
/// scaling is made in the step `prepare`.
fn release_of(intent: &Intent, observed: &Observed) -> Option<Release> {
    match intent {
        Intent::Deploy { .. } | Intent::Scale { .. } => None,
        Intent::Rollback { .. } => observed.target.clone(),
        _ => observed.live.clone(),
    }
}
