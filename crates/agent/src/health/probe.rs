//! One readiness question.

use landfall_model::release::Release;
use landfall_model::spec::{Probe, ReadySpec};
use landfall_runtime::Health;
use landfall_store::InstanceRow;

use crate::instances;
use crate::ports::Ask;
use crate::world::{World, chain};

/// Asks once; why the answer is not accepted, for a person.
pub(super) async fn ask(
    world: &World,
    release: &Release,
    row: &InstanceRow,
    ready: &ReadySpec,
) -> Result<(), String> {
    let address = async || {
        let address = instances::address(world, row).await;
        let address = address.map_err(|cause| cause.summary)?;
        address.ok_or_else(|| "it has no address".to_owned())
    };
    match &ready.probe {
        Probe::StaysUp { .. } => Ok(()),
        Probe::Tcp => {
            let address = address().await?;
            let connected = world.prober.connect(address, ready.timeout).await;
            connected.map_err(|error| format!("connect to {address}: {error}"))
        }
        Probe::Http { path, host, status } => {
            let host = host.clone().unwrap_or_else(|| public_host(release, row));
            let address = address().await?;
            let ask = Ask::get(address, &host, path, ready.timeout);
            let place = format!("GET {path} on {address}");
            let answer = world
                .prober
                .ask(&ask)
                .await
                .map_err(|error| format!("{place}: {error}"))?;
            match status.iter().any(|range| range.contains(answer.status)) {
                true => Ok(()),
                false => Err(format!("{place}: status {}", answer.status)),
            }
        }
        Probe::Healthcheck => {
            let status = world.runtime.status(&row.id).await;
            match status.map_err(|error| chain(&error))?.health {
                Some(Health::Healthy) => Ok(()),
                Some(Health::Starting) => Err("its health is not known yet".to_owned()),
                Some(Health::Unhealthy { output }) => Err(format!("it is unhealthy: {output}")),
                None => Err("its image has no health check".to_owned()),
            }
        }
        Probe::Command(command) => {
            let env = instances::environment(world, release, &row.service, &row.id, row.port)
                .map_err(|cause| cause.summary)?;
            let exec =
                tokio::time::timeout(ready.timeout, world.runtime.exec(&row.id, command, &env));
            match exec.await {
                Err(_) => Err(format!("`{command}` did not end in time")),
                Ok(Err(error)) => Err(chain(&error)),
                Ok(Ok((0, _))) => Ok(()),
                Ok(Ok((code, output))) => Err(format!(
                    "`{command}` exited with {code}: {}",
                    output.trim_end()
                )),
            }
        }
    }
}

fn public_host(release: &Release, row: &InstanceRow) -> String {
    let host = release
        .spec
        .public_host(&row.service)
        .unwrap_or("localhost");
    host.replacen('*', "www", 1)
}
