//! Waits until every new instance is ready.

use std::time::Duration;

use landfall_model::Cause;
use landfall_model::plan::StepName;

use super::prepare::starts_early;
use crate::executor::Context;
use crate::health;
use crate::words::count;

/// Waits for all instances at once; the first that cannot get ready ends the wait.
///
/// # Errors
/// With the cause of the first that cannot get ready.
pub async fn run(ctx: &mut Context) -> Result<String, Cause> {
    let release = ctx.release()?.clone();
    let rows = ctx.own_instances()?;
    let early = ctx.lines(|line| line.start > 0 && starts_early(line.action));
    let waits = rows
        .iter()
        .filter(|row| early.iter().any(|line| line.service == row.service))
        .map(|row| {
            let (ctx, release) = (&*ctx, &release);
            async move {
                let waited = health::wait_ready(&ctx.world, release, row).await?;
                let message = format!("{} is ready after {} ms", row.id, waited.as_millis());
                ctx.progress(StepName::Ready, message);
                Ok::<Duration, Cause>(waited)
            }
        });
    let waited = futures_util::future::try_join_all(waits).await?;
    let longest = waited.iter().max().copied().unwrap_or_default();
    Ok(format!(
        "{} ready, the slowest after {} ms",
        count(waited.len(), "instance"),
        longest.as_millis()
    ))
}

/// The longest that the instances may take to get ready, level after level.
pub fn bound(ctx: &Context) -> Duration {
    let spec = ctx
        .release
        .as_ref()
        .map(|release| &release.spec)
        .or(ctx.request.spec.as_ref());
    let services = spec.into_iter().flat_map(|spec| spec.services.values());
    services
        .filter_map(|service| service.life())
        .map(|life| life.ready.within)
        .sum()
}
