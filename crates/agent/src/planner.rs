//! Gathers what is asked for and what is, and has the model plan it.

mod desire;

use std::collections::BTreeMap;

use landfall_model::env::Part;
use landfall_model::plan::{Desired, Intent, Observed, ObservedInstance, Plan, Refusal, plan};
use landfall_model::release::{Artifact, Release, SourceInfo};
use landfall_model::spec::{AppSpec, VersionSpec};
use landfall_model::{Cause, CauseKind, ReleaseNumber, ServiceName};
use landfall_runtime::InstanceState;
use landfall_store::{EnvironmentKey, EnvironmentRow, InstancePhase, NewDeployment, ReleaseRow};

use self::desire::desire;
use crate::ports::artifacts::{Elsewhere, Hold};
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

/// Plans a request against what is now. `elsewhere` are its builds that are not made here.
///
/// # Errors
/// When the request contradicts what is, or inputs cannot be read.
pub async fn plan_request(
    world: &World,
    key: &EnvironmentKey,
    request: &NewDeployment,
    elsewhere: Option<&Elsewhere>,
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
    let (desired, artifacts, holds) = desire(world, key, request, elsewhere, live, target).await?;
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

/// What is neither built nor changed is known before anything runs; the release of a deploy or a
/// scaling is made in the step `prepare`.
fn release_of(intent: &Intent, observed: &Observed) -> Option<Release> {
    match intent {
        Intent::Deploy { .. } | Intent::Scale { .. } => None,
        Intent::Rollback { .. } => observed.target.clone(),
        _ => observed.live.clone(),
    }
}
