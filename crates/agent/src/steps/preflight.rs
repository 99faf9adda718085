//! Checks what must be true before anything is touched.

use std::io::ErrorKind;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};

use landfall_model::container::{Protocol, PublishedPort};
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
        let Some(service) = spec.services.get(&line.service) else {
            continue;
        };
        for address in insisted_on(service) {
            checked += 1;
            let port = address.port();
            // What else may be wrong with it is for who listens to say.
            if let Err(error) = TcpListener::bind(address)
                && error.kind() == ErrorKind::AddrInUse
            {
                let message = format!(
                    "port {port}, which {} insists on, is not free",
                    line.service
                );
                return Err(Cause::new(CauseKind::PortInUse, message)
                    .with_evidence([format!("listen on {address}: {error}")])
                    .with_fix(format!("see who holds it: `ss -ltnp sport = :{port}`")));
            }
        }
    }
    Ok(checked)
}

/// Where an instance of a service has to listen on the host, or the engine for it.
fn insisted_on(service: &ServiceSpec) -> Vec<SocketAddr> {
    let published = service.container().into_iter().flat_map(|container| {
        let tcp = |port: &&PublishedPort| port.protocol == Protocol::Tcp;
        container.run.ports.iter().filter(tcp)
    });
    let published = published.filter_map(|port| {
        let ip = port.host_ip.unwrap_or(Ipv4Addr::UNSPECIFIED.into());
        Some(SocketAddr::new(ip, port.host_port?))
    });
    let fixed = service.fixed_port().map(loopback);
    fixed.into_iter().chain(published).collect()
}

fn check_routes(ctx: &Context) -> Result<usize, Cause> {
    let Some(spec) = spec(ctx) else { return Ok(0) };
    claims::check(&ctx.world, &ctx.key, spec)?;
    Ok(spec.routes.len())
}

fn spec(ctx: &Context) -> Option<&landfall_model::spec::AppSpec> {
    ctx.release
        .as_ref()
        .map(|release| &release.spec)
        .or(ctx.request.spec.as_ref())
}
