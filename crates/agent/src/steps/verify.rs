//! Asks the public address which version answers, and runs the smoke checks as the public would.

use std::time::Duration;

use landfall_model::release::Release;
use landfall_model::snapshot::{PROXY_ERROR_HEADER, RELEASE_HEADER};
use landfall_model::spec::AppSpec;
use landfall_model::{Cause, CauseKind, ReleaseNumber};

use crate::checks::{Through, host_of};
use crate::executor::Context;
use crate::words::count;

/// How long one question may take in the worst case.
const PER_QUESTION: Duration = Duration::from_secs(10);

/// Proves the release on every route, by the proxy's stamp and by the app's own word.
///
/// # Errors
/// When another release answers, the app says another version, or a smoke check fails.
pub async fn run(ctx: &mut Context) -> Result<String, Cause> {
    let release = ctx.release.as_ref().or(ctx.old.as_ref());
    let routes = prove_serving(ctx, ctx.plan.to, release).await?;
    let Some(release) = release else {
        return Ok(format!("{} proven", count(routes, "route")));
    };
    let through = Through {
        world: &ctx.world,
        candidate: None,
    };
    let mut smoked = 0;
    for smoke in &release.spec.smoke {
        if !smoke_is_stopped(ctx, &release.spec, &smoke.path) {
            through.smoke(&release.spec, smoke).await?;
            smoked += 1;
        }
    }
    let number = release.number;
    Ok(format!(
        "release {number} answers on {}, {} passed",
        count(routes, "route"),
        count(smoked, "smoke check")
    ))
}

/// Asks every route which release answers; how many there are.
///
/// # Errors
/// When one is answered by another release, or by the proxy itself.
pub async fn prove_serving(
    ctx: &Context,
    expected: Option<ReleaseNumber>,
    release: Option<&Release>,
) -> Result<usize, Cause> {
    let (Some(expected), Some(release)) = (expected, release) else {
        return Ok(0);
    };
    let through = Through {
        world: &ctx.world,
        candidate: None,
    };
    let mut proven = 0;
    for route in &release.spec.routes {
        if ctx.plan.stopped.contains(&route.to) {
            continue;
        }
        let place = format!("{}{}", host_of(route), route.path);
        let wrong = |what: String| {
            let message = format!("{place} does not serve release {expected}: {what}");
            Cause::new(CauseKind::WrongVersion, message)
        };
        let answer = through.get(&host_of(route), &route.path).await;
        let answer = answer.map_err(|error| wrong(error.to_string()))?;
        if let Some(word) = answer.header(PROXY_ERROR_HEADER) {
            return Err(wrong(format!(
                "the proxy answers {} itself: {word}",
                answer.status
            )));
        }
        match answer.header(RELEASE_HEADER) {
            Some(number) if number == expected.to_string() => proven += 1,
            Some(number) => return Err(wrong(format!("release {number} answers"))),
            None => return Err(wrong("something else answers there".into())),
        }
    }
    for (name, service) in &release.spec.services {
        if let Some(version) = &service.version
            && !ctx.plan.stopped.contains(name)
        {
            through.version(release, name, version).await?;
        }
    }
    Ok(proven)
}

/// Whether the service that a path belongs to is stopped on purpose.
fn smoke_is_stopped(ctx: &Context, spec: &AppSpec, path: &str) -> bool {
    let matching = spec
        .routes
        .iter()
        .filter(|route| path.starts_with(&route.path));
    let longest = matching.max_by_key(|route| route.path.len());
    longest.is_some_and(|route| ctx.plan.stopped.contains(&route.to))
}

/// The longest that all questions may take.
pub fn bound(ctx: &Context) -> Duration {
    let specs = [ctx.release.as_ref(), ctx.old.as_ref()];
    let spec = specs
        .into_iter()
        .flatten()
        .next()
        .map(|release| &release.spec);
    let Some(spec) = spec.or(ctx.request.spec.as_ref()) else {
        return PER_QUESTION;
    };
    let smoke: Duration = spec.smoke.iter().map(|smoke| smoke.timeout).sum();
    let questions = u32::try_from(spec.routes.len() + spec.services.len()).unwrap_or(u32::MAX);
    smoke + PER_QUESTION.saturating_mul(questions)
}
