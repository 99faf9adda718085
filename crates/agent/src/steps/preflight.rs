//! Checks what must be true before anything is touched.

use std::net::TcpListener;

use landfall_model::plan::Action;
use landfall_model::spec::ServiceSpec;
use landfall_model::{Cause, CauseKind};

use crate::claims;
use crate::executor::Context;
use crate::table::loopback;
use crate::words::count;

/// Checks ports, routes and artifacts.
///
/// # Errors
/// With the first thing that is not as it must be.
pub async fn run(ctx: &mut Context) -> Result<String, Cause> {
    let artifacts = check_artifacts(ctx).await?;
    let ports = check_ports(ctx)?;
    let routes = check_routes(ctx)?;
    Ok(format!(
        "{}, {} and {} checked",
        count(artifacts, "artifact"),
        count(ports, "port"),
        count(routes, "route")
    ))
}

async fn check_artifacts(ctx: &Context) -> Result<usize, Cause> {
    for (service, artifact) in &ctx.artifacts {
        if !ctx.world.has_artifact(artifact).await {
            let short = artifact.digest.short();
            let message = format!("artifact {short} of {service} is not in the store any more");
            return Err(Cause::new(CauseKind::ArtifactGone, message)
                .with_fix("deploy that version again from its source"));
        }
    }
    Ok(ctx.artifacts.len())
}

fn check_ports(ctx: &Context) -> Result<usize, Cause> {
    let Some(spec) = spec(ctx) else { return Ok(0) };
    let mut checked = 0;
    for line in ctx.lines(|line| line.action == Action::Start) {
        let service = spec.services.get(&line.service);
        let Some(port) = service.and_then(ServiceSpec::fixed_port) else {
            continue;
        };
        checked += 1;
        if let Err(error) = TcpListener::bind(loopback(port)) {
            let message = format!(
                "port {port}, which {} insists on, is not free",
                line.service
            );
            return Err(Cause::new(CauseKind::PortInUse, message)
                .with_evidence([format!("listen on 127.0.0.1:{port}: {error}")])
                .with_fix(format!("see who holds it: `ss -ltnp sport = :{port}`")));
        }
    }
    Ok(checked)
}

fn check_routes(ctx: &Context) -> Result<usize, Cause> {
    let Some(spec) = spec(ctx) else { return Ok(0) };
    claims::check_routes(&ctx.world, &ctx.key, spec)?;
    Ok(spec.routes.len())
}

fn spec(ctx: &Context) -> Option<&landfall_model::spec::AppSpec> {
    ctx.release
        .as_ref()
        .map(|release| &release.spec)
        .or(ctx.request.spec.as_ref())
}
