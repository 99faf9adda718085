//! Makes the artifacts that do not exist yet. What succeeds is kept, whatever becomes of the rest.

use std::time::Duration;

use landfall_model::event::Event;
use landfall_model::plan::StepName;
use landfall_model::release::Artifact;
use landfall_model::spec::Build;
use landfall_model::{Cause, CauseKind, Digest, ServiceName};
use landfall_store::{BuildRow, EnvironmentKey};
use tokio::sync::{Mutex, Semaphore, mpsc};

use crate::builders;
use crate::executor::Context;
use crate::ports::artifacts::{BuildJob, Hold};
use crate::sources;
use crate::words::count;
use crate::world::{World, store_cause};

/// Builds that run at once: enough to use two cores, few enough to leave the apps theirs.
const PARALLEL: usize = 2;
/// What all images together may take to be pulled.
const PULLS: Duration = Duration::from_secs(60 * 60);
/// Lines of output waiting to be written as events.
const LINES: usize = 256;

/// Builds everything that the plan says.
///
/// # Errors
/// With the first failure, once every build has ended.
pub async fn run(ctx: &mut Context) -> Result<String, Cause> {
    let taken = take_in(ctx).await?;
    let root = ctx.request.root.clone().unwrap_or_default();
    let spec = ctx
        .request
        .spec
        .as_ref()
        .ok_or_else(|| Cause::new(CauseKind::Internal, "no spec"))?;
    let is_here = |service: &ServiceName| !ctx.artifacts.contains_key(service);
    let lines = ctx
        .plan
        .builds
        .iter()
        .filter(|line| line.build && is_here(&line.service));
    let wanted: Vec<(ServiceName, Make)> = lines
        .filter_map(|line| {
            let service = spec.services.get(&line.service)?;
            let make = match &service.build {
                Some(build) => Make::Build(build.clone()),
                None => Make::Pull(service.container()?.run.image.clone()),
            };
            Some((line.service.clone(), make))
        })
        .collect();
    let (lines, mut received) = mpsc::channel::<(ServiceName, String)>(LINES);
    let turns = Turns::new();
    let builds = wanted.iter().map(|(service, make)| {
        let job = BuildJob {
            app: ctx.key.app.clone(),
            service: service.clone(),
            root: root.clone(),
            env: ctx.build_env.clone(),
            user: None,
        };
        let (lines, turns, world, key) = (lines.clone(), &turns, ctx.world.clone(), &ctx.key);
        async move {
            let _permit = turns.any.acquire().await;
            let made = self::make(&world, key, turns, &job, make, lines);
            (service.clone(), made.await)
        }
    });
    let builds = futures_util::future::join_all(builds);
    drop(lines);
    let redactor = ctx.redactor();
    let tell = async {
        while let Some((service, line)) = received.recv().await {
            let (step, source) = (StepName::Build, service.to_string());
            ctx.emit(Event::Output {
                step,
                source,
                line: redactor.redact(&line),
            });
        }
    };
    let (results, ()) = tokio::join!(builds, tell);
    finish(ctx, results, taken)
}

/// Who waits for whom.
struct Turns {
    any: Semaphore,
    /// Builds of brought trees are made one at a time: what their user leaves is ended after each.
    brought: Mutex<()>,
}

impl Turns {
    fn new() -> Self {
        Self {
            any: Semaphore::new(PARALLEL),
            brought: Mutex::new(()),
        }
    }
}

fn told(built: &[String], taken: &[String]) -> String {
    let part = |verb: &str, names: &[String], end: &str| {
        (!names.is_empty()).then(|| format!("{verb} {}{end}", names.join(", ")))
    };
    let parts = [
        part("took", taken, ", built where the source is"),
        part("built", built, ""),
    ];
    parts.into_iter().flatten().collect::<Vec<_>>().join("; ")
}

/// Takes what was built elsewhere and brought here; what it is.
async fn take_in(ctx: &mut Context) -> Result<Vec<String>, Cause> {
    let Some(builds) = ctx.elsewhere.take() else {
        return Ok(Vec::new());
    };
    let mut taken = Vec::new();
    for line in ctx.plan.builds.iter().filter(|line| line.build) {
        let service = &line.service;
        // What is not built at all is pulled.
        let Some(built) = builds.get(service) else {
            continue;
        };
        let missing = || {
            let message = format!("what {service} was built to was not brought here");
            Cause::new(CauseKind::ArtifactGone, message).with_fix("deploy again")
        };
        let digest = built.artifact.ok_or_else(missing)?;
        let hold = ctx.world.artifacts.hold(digest)?;
        if !ctx.world.artifacts.contains(digest).await {
            return Err(missing());
        }
        ctx.holds.push(hold);
        let row = BuildRow {
            inputs: built.inputs.digest,
            artifact: digest,
            files: built.inputs.files.clone(),
        };
        let store = &ctx.world.store;
        let written = store.insert_build(&ctx.key.app, service, &row, ctx.world.now());
        written.map_err(store_cause)?;
        let inputs = row.inputs;
        ctx.artifacts
            .insert(service.clone(), Artifact { digest, inputs });
        taken.push(format!("{service} {}", digest.short()));
    }
    Ok(taken)
}

/// How an artifact comes to be.
enum Make {
    Build(Build),
    Pull(String),
}

/// An artifact and what keeps it, or why there is none.
type Built = Result<(Artifact, Option<Hold>), Cause>;

fn finish(
    ctx: &mut Context,
    results: Vec<(ServiceName, Built)>,
    taken: Vec<String>,
) -> Result<String, Cause> {
    let (mut built, mut failure) = (Vec::new(), None);
    for (service, result) in results {
        match result {
            Ok((artifact, hold)) => {
                ctx.holds.extend(hold);
                built.push(format!("{service} {}", artifact.digest.short()));
                ctx.artifacts.insert(service, artifact);
            }
            Err(cause) => failure = failure.or(Some(cause)),
        }
    }
    match failure {
        Some(cause) if built.is_empty() => Err(cause),
        Some(cause) => Err(cause.with_evidence([format!("built and kept: {}", built.join(", "))])),
        None => Ok(told(&built, &taken)),
    }
}

async fn make(
    world: &World,
    key: &EnvironmentKey,
    turns: &Turns,
    job: &BuildJob,
    make: &Make,
    lines: mpsc::Sender<(ServiceName, String)>,
) -> Built {
    let (own, mut received) = mpsc::channel::<String>(LINES);
    let forward = async {
        while let Some(line) = received.recv().await {
            let _ = lines.send((job.service.clone(), line)).await;
        }
    };
    let make = async {
        match make {
            Make::Build(spec) => build(world, key, turns, job, spec, own).await,
            Make::Pull(image) => pull(world, image, own).await,
        }
    };
    tokio::join!(make, forward).0
}

async fn pull(world: &World, image: &str, lines: mpsc::Sender<String>) -> Built {
    let digest = world.images.pull(image, lines).await?;
    let inputs = Digest::of(image.as_bytes());
    Ok((Artifact { digest, inputs }, None))
}

async fn build(
    world: &World,
    key: &EnvironmentKey,
    turns: &Turns,
    job: &BuildJob,
    spec: &Build,
    lines: mpsc::Sender<String>,
) -> Built {
    let before = world.inputs(&job.root, spec).await?;
    let brought = sources::tree_at(world, key, &job.root);
    let build = |job| world.build(job, spec, &before.digest, lines.clone());
    let (digest, hold) = match (spec, brought) {
        (Build::Tree(_), Some(tree)) => {
            let _turn = turns.brought.lock().await;
            let own = builders::set_up(world, key, &job.service, tree).await?;
            let built = build(&own).await;
            builders::clear(world, key).await?;
            built?
        }
        _ => build(job).await?,
    };
    let after = world.inputs(&job.root, spec).await?;
    let artifact = Artifact {
        digest,
        inputs: after.digest,
    };
    if before.digest != after.digest {
        // Which of the two states was built is unknown, so the artifact serves this deployment
        // and is never offered as the result of either.
        let changed = world.artifacts.explain(&before.files, &after);
        tracing::info!(service = %job.service, ?changed, "inputs changed during the build");
        let _ = lines.send(not_reused(&changed)).await;
        return Ok((artifact, hold));
    }
    let row = BuildRow {
        inputs: after.digest,
        artifact: digest,
        files: after.files,
    };
    world
        .store
        .insert_build(&job.app, &job.service, &row, world.now())
        .map_err(store_cause)?;
    Ok((artifact, hold))
}

/// What to say of inputs that changed while they were built.
fn not_reused(changed: &[String]) -> String {
    let named = changed.first().map_or("an input", String::as_str);
    let more = match changed.len() {
        0 | 1 => String::new(),
        all => format!(" and {}", count(all - 1, "other input")),
    };
    format!(
        "{named}{more} changed during this build, so it will be built again next time; if the \
         build itself writes there, leave it out of `inputs`"
    )
}

/// The longest that the builds may take, one after the other.
pub fn bound(ctx: &Context) -> Duration {
    let builds = ctx.request.spec.iter().flat_map(|spec| spec.builds());
    builds.map(|(_, build)| build.timeout()).sum::<Duration>() + PULLS
}
