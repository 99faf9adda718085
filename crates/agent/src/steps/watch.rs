//! Compares the new release under real traffic with the old one, for as long as was chosen.

use std::time::Duration;

use landfall_model::plan::StepName;
use landfall_model::spec::WatchSpec;
use landfall_model::{Cause, CauseKind, ReleaseNumber, ServiceName};
use tokio::time::Instant;

use crate::compare::{Tally, Verdict, compare};
use crate::executor::Context;
use crate::steps::replace;

/// Time between looks at the counters.
const LOOK: Duration = Duration::from_millis(250);

/// Watches until the window has passed, or until the new release is clearly worse.
///
/// # Errors
/// When it is clearly worse.
pub async fn run(ctx: &mut Context) -> Result<String, Cause> {
    let release = ctx.release()?.clone();
    let Some(watch) = &release.spec.watch else {
        return Ok("not asked for".into());
    };
    let services = services(ctx, watch);
    let deadline = Instant::now() + watch.window;
    loop {
        let over = Instant::now() >= deadline;
        let summary = look(ctx, watch, &services, over).await?;
        if over {
            return Ok(summary);
        }
        tokio::time::sleep(LOOK.min(deadline.saturating_duration_since(Instant::now()))).await;
    }
}

/// Services that have new instances and answer requests.
fn services(ctx: &Context, watch: &WatchSpec) -> Vec<ServiceName> {
    let lines =
        ctx.lines(|line| line.start > 0 || line.action == landfall_model::plan::Action::Serve);
    let wanted = |name: &ServiceName| watch.services.is_empty() || watch.services.contains(name);
    lines
        .into_iter()
        .map(|line| line.service)
        .filter(wanted)
        .collect()
}

async fn look(
    ctx: &Context,
    watch: &WatchSpec,
    services: &[ServiceName],
    over: bool,
) -> Result<String, Cause> {
    let Ok(counters) = ctx.world.proxy.counters().await else {
        return Ok("the proxy gave no numbers to compare".into());
    };
    let mut told = Vec::new();
    for service in services {
        let (old, new) = releases(ctx, service);
        let tally = |releases: &[ReleaseNumber]| Tally::of(&counters, &ctx.key, service, releases);
        let (old, new) = (tally(&old), tally(&new));
        match compare(watch, &old, &new) {
            Verdict::Worse(what) => {
                let message = format!("{service} is clearly worse than before: {what}");
                return Err(Cause::new(CauseKind::WorseThanBefore, message)
                    .with_evidence([old.describe("old release"), new.describe("new release")])
                    .with_fix("see the log of the new release: `landfall logs --release N`"));
            }
            Verdict::NotWorse => told.push(format!("{service} as good over {}", new.requests())),
            Verdict::TooFew => told.push(format!("{service} had {} requests", new.requests())),
        }
    }
    if over {
        let message = format!(
            "watched for {} s: {}",
            watch.window.as_secs(),
            told.join(", ")
        );
        ctx.progress(StepName::Watch, message);
    }
    Ok(told.join(", "))
}

/// The releases that the old and the new instances of a service were started for. Instances
/// that were kept by a deployment are older than the release they serve.
fn releases(ctx: &Context, service: &ServiceName) -> (Vec<ReleaseNumber>, Vec<ReleaseNumber>) {
    let stops = ctx
        .plan
        .service(service)
        .map(|line| line.stop.clone())
        .unwrap_or_default();
    let rows = replace::old_instances(ctx, &stops).unwrap_or_default();
    let mut old: Vec<ReleaseNumber> = rows.iter().map(|row| row.release).collect();
    old.extend(ctx.plan.from);
    let new = ctx.plan.to.into_iter().collect();
    (old, new)
}

/// The window.
pub fn bound(ctx: &Context) -> Duration {
    let spec = ctx.release.as_ref().map(|release| &release.spec);
    spec.and_then(|spec| spec.watch.as_ref())
        .map_or(Duration::ZERO, |watch| watch.window)
}
