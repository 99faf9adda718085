//! An environment as it is served, beside what was declared.

use std::net::IpAddr;

use landfall_model::release::Release;
use landfall_model::rollout::{Outcome, Phase};
use landfall_model::snapshot::{PROXY_ERROR_HEADER, ProxyStatus, RELEASE_HEADER};
use landfall_model::spec::{AppSpec, ServiceKind, ServiceSpec};
use landfall_model::{DeploymentId, ReleaseNumber, ServiceName};
use landfall_runtime::{InstanceState, InstanceStatus};
use landfall_store::{EnvironmentRow, InstancePhase, InstanceRow, StoreError};

use crate::api::release_view;
use crate::api::types::{EnvironmentView, InstanceView, LiveSince, ServiceView};
use crate::checks::{Through, host_of};
use crate::diagnose::describe_exit;
use crate::instances;
use crate::table::loopback;
use crate::world::World;

/// Deployments among which the one is looked for that led to what is live. Those after it failed.
const RECENT: u32 = 50;

/// Looks at processes, ports and the proxy's answers, now.
///
/// # Errors
/// When the store fails. What cannot be asked is shown as a difference.
pub async fn environment(
    world: &World,
    row: &EnvironmentRow,
) -> Result<EnvironmentView, StoreError> {
    let release = match row.live {
        Some(number) => world.store.release(&row.key, number)?,
        None => None,
    };
    let spec = release.as_ref().map(|row| &row.release.spec);
    let mut differences = Vec::new();
    let proxy = match world.proxy.status().await {
        Ok(status) => Some(status),
        Err(error) => {
            differences.push(error.to_string());
            None
        }
    };
    let serving = serving(world, release.as_ref().map(|row| &row.release)).await;
    if let (Some(declared), Some(serving)) = (row.live, serving)
        && declared != serving
    {
        differences.push(format!(
            "release {declared} is declared live, release {serving} answers"
        ));
    }
    let mut services = Vec::new();
    if let Some(spec) = spec {
        for name in spec.services.keys() {
            let view = service(world, row, spec, name, proxy.as_ref()).await?;
            differences.extend(service_differences(&view));
            services.push(view);
        }
    }
    let (deployment, queued) = open_deployments(world, row)?;
    Ok(EnvironmentView {
        app: row.key.app.clone(),
        environment: row.key.environment.clone(),
        urls: spec.map(|spec| urls(world, spec)).unwrap_or_default(),
        release: release.map(|release| release_view(release, row.live)),
        live_since: live_since(world, row)?,
        serving,
        services,
        deployment,
        queued,
        differences,
    })
}

/// The last deployment that led to the release that is live.
fn live_since(world: &World, row: &EnvironmentRow) -> Result<Option<LiveSince>, StoreError> {
    let Some(live) = row.live else {
        return Ok(None);
    };
    let recent = world.store.deployments(&row.key, RECENT)?;
    let led_to_it = recent.into_iter().find(|deployment| {
        deployment.to == Some(live) && deployment.phase.outcome() == Some(Outcome::Succeeded)
    });
    Ok(led_to_it.and_then(|deployment| {
        Some(LiveSince {
            deployment: deployment.id,
            how: deployment.request.intent.verb().into(),
            by: deployment.requested_by,
            at: deployment.ended_at?,
        })
    }))
}

/// The release that the proxy proves to serve on the first route.
async fn serving(world: &World, release: Option<&Release>) -> Option<ReleaseNumber> {
    let route = release?.spec.routes.first()?;
    let through = Through {
        world,
        candidate: None,
    };
    let answer = through.get(&host_of(route), &route.path).await.ok()?;
    // The proxy stamps its own 503 as well, and that one proves nothing but the route.
    if answer.header(PROXY_ERROR_HEADER).is_some() {
        return None;
    }
    answer.header(RELEASE_HEADER)?.parse().ok()
}

fn urls(world: &World, spec: &AppSpec) -> Vec<String> {
    let mut urls: Vec<String> = spec
        .routes
        .iter()
        .map(|route| {
            let name = match &route.host {
                Some(host) => host.replacen('*', "www", 1),
                None => match world.http.ip() {
                    IpAddr::V4(ip) => ip.to_string(),
                    IpAddr::V6(ip) => format!("[{ip}]"),
                },
            };
            let host = match world.http.port() {
                80 => name,
                port => format!("{name}:{port}"),
            };
            format!("http://{host}{}", route.path)
        })
        .collect();
    urls.sort_by_key(String::len);
    urls.dedup();
    urls
}

async fn service(
    world: &World,
    row: &EnvironmentRow,
    spec: &AppSpec,
    name: &ServiceName,
    proxy: Option<&ProxyStatus>,
) -> Result<ServiceView, StoreError> {
    let declared = &spec.services[name];
    let mut instances = Vec::new();
    for instance in world.store.instances(&row.key)? {
        if instance.service == *name && instance.phase == InstancePhase::Serving {
            instances.push(instance_view(world, &instance, proxy).await);
        }
    }
    Ok(ServiceView {
        name: name.clone(),
        kind: kind(declared).into(),
        replicas: declared.life().map_or(0, |_| declared.replicas),
        stopped: row.stopped.contains(name),
        address: world.store.address(&row.key, name)?.map(loopback),
        instances,
    })
}

fn kind(service: &ServiceSpec) -> &'static str {
    match service.kind {
        ServiceKind::Process(_) => "process",
        ServiceKind::Container(_) => "container",
        ServiceKind::Static(_) => "static",
    }
}

async fn instance_view(
    world: &World,
    row: &InstanceRow,
    proxy: Option<&ProxyStatus>,
) -> InstanceView {
    let status: Option<InstanceStatus> = world.runtime.status(&row.id).await.ok();
    let reached = instances::address(world, row).await.unwrap_or_default();
    let listening = world.runtime.listening(&row.id).await.unwrap_or_default();
    let in_flight = proxy
        .and_then(|proxy| proxy.in_flight.get(&row.id))
        .copied();
    InstanceView {
        id: row.id.clone(),
        release: row.release,
        port: reached.map(|address| address.port()),
        restarts: status.as_ref().map_or(0, |status| status.restarts),
        last_exit: status
            .as_ref()
            .and_then(|s| s.last_exit.as_ref())
            .map(|exit| format!("{} at {}", describe_exit(exit), exit.at)),
        state: status.map(|status| status.state),
        listening,
        in_flight: in_flight.unwrap_or(0),
    }
}

fn service_differences(view: &ServiceView) -> Vec<String> {
    let mut differences = Vec::new();
    let running =
        |instance: &&InstanceView| matches!(instance.state, Some(InstanceState::Running { .. }));
    let up = view.instances.iter().filter(running).count();
    let wanted = if view.stopped {
        0
    } else {
        view.replicas as usize
    };
    if up != wanted {
        differences.push(format!("{}: {up} of {wanted} instances run", view.name));
    }
    for instance in view.instances.iter().filter(|i| i.restarts > 0) {
        let exit = instance
            .last_exit
            .as_deref()
            .unwrap_or("no exit is on record");
        let times = instance.restarts;
        differences.push(format!(
            "{} was restarted {times} times; last: {exit}",
            instance.id
        ));
    }
    differences
}

fn open_deployments(
    world: &World,
    row: &EnvironmentRow,
) -> Result<(Option<DeploymentId>, Vec<DeploymentId>), StoreError> {
    let open = world.store.open_deployments()?;
    let mine: Vec<_> = open
        .iter()
        .filter(|deployment| deployment.key == row.key)
        .collect();
    let (queued, active): (Vec<_>, Vec<_>) = mine
        .into_iter()
        .partition(|deployment| deployment.phase == Phase::Queued);
    let queued = queued.into_iter().map(|deployment| deployment.id).collect();
    Ok((active.first().map(|deployment| deployment.id), queued))
}
