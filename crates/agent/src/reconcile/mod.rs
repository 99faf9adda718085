//! Standing truths: instances that should run, run; the proxy runs and has its routes; nothing
//! runs that should not. Each reconciler looks at what is, takes no input, and can be repeated.

mod instances;
mod proxy;

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::deployments::Deployments;
use crate::world::World;

pub use proxy::{ProxyKeeper, ensure_proxy, proxy_instance, system_restart, system_stop};

/// Time between looks. A killed shim or proxy is replaced within this.
const PERIOD: Duration = Duration::from_millis(500);

/// Runs all reconcilers until cancelled.
pub async fn run(
    world: World,
    deployments: Deployments,
    proxy: Option<ProxyKeeper>,
    stop: CancellationToken,
) {
    let mut seen = instances::Seen::default();
    let mut tick = tokio::time::interval(PERIOD);
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            _ = tick.tick() => {}
        }
        if let Some(proxy) = &proxy
            && let Err(cause) = ensure_proxy(proxy).await
        {
            tracing::error!(%cause, "failed to keep the proxy running");
        }
        if let Err(cause) = world.routes.reconcile().await {
            tracing::warn!(%cause, "the proxy does not have its routes");
        }
        if let Err(cause) = instances::reconcile(&world, &deployments, &mut seen).await {
            tracing::error!(%cause, "failed to reconcile instances");
        }
    }
}
