//! One build, as BuildKit is asked for it.

use std::collections::HashMap;
use std::sync::Mutex;
use std::time::Duration;

use bollard_buildkit_proto::moby::buildkit::v1::control_client::ControlClient;
use bollard_buildkit_proto::moby::buildkit::v1::{
    CacheOptions, CacheOptionsEntry, SolveRequest, StatusRequest,
};
use hyper_util::rt::TokioIo;
use landfall_model::spec::{BuildNetwork, ImageBuildSpec};
use tokio::sync::mpsc;
use tonic::transport::{Channel, Endpoint};

use super::ImageBuildRequest;
use super::engine::{Connection, ConnectionEnd, Engine};
use super::error::ImageBuildError;
use super::failure;
use super::progress::BuildProgress;
use super::sources::additional;
use super::trace::Trace;

/// The name of the Dockerfile in the directory that the engine gets it from.
pub(super) const DOCKERFILE: &str = "Dockerfile";
/// The largest message that engines send, in bytes.
const MAX_MESSAGE: usize = 16 << 20;
/// How long news are awaited after the build has ended. They end by themselves.
const LAST_WORDS: Duration = Duration::from_secs(5);

/// The connection on which an engine is asked to build.
pub(super) struct Control {
    client: ControlClient<Channel>,
    _end: ConnectionEnd,
}

impl Control {
    /// Connects.
    ///
    /// # Errors
    /// When the engine does not answer.
    pub async fn open(engine: &Engine) -> Result<Self, ImageBuildError> {
        let Connection { stream, end } = engine.upgrade("/grpc", &[]).await?;
        // The one connection that there is: a channel that lost it cannot have another.
        let only = Mutex::new(Some(stream));
        let connector = tower::service_fn(move |_| {
            let stream = only.lock().ok().and_then(|mut stream| stream.take());
            let gone = || std::io::Error::from(std::io::ErrorKind::ConnectionReset);
            std::future::ready(stream.map(TokioIo::new).ok_or_else(gone))
        });
        let channel = Endpoint::from_static("http://docker")
            .connect_with_connector(connector)
            .await
            .map_err(|error| ImageBuildError::EngineLost {
                source: Box::new(error),
            })?;
        let client = ControlClient::new(channel).max_decoding_message_size(MAX_MESSAGE);
        Ok(Self { client, _end: end })
    }

    /// Builds, and passes on what is told meanwhile.
    ///
    /// # Errors
    /// When the build fails.
    pub async fn solve(
        &self,
        request: SolveRequest,
        trace: &mut Trace,
        progress: &mpsc::Sender<BuildProgress>,
    ) -> Result<(), ImageBuildError> {
        let reference = request.r#ref.clone();
        let mut client = self.client.clone();
        let solved = {
            let solve = client.solve(request);
            let watch = self.watch(reference, trace, progress);
            tokio::pin!(solve, watch);
            let mut watching = true;
            let solved = loop {
                tokio::select! {
                    solved = &mut solve => break solved,
                    () = &mut watch, if watching => watching = false,
                }
            };
            if watching {
                let _ = tokio::time::timeout(LAST_WORDS, watch).await;
            }
            solved
        };
        for news in trace.finish() {
            let _ = progress.send(news).await;
        }
        solved
            .map(drop)
            .map_err(|status| failure::explain(&status, trace))
    }

    /// Passes on news until there are no more. A build without news is still a build.
    async fn watch(
        &self,
        reference: String,
        trace: &mut Trace,
        progress: &mpsc::Sender<BuildProgress>,
    ) {
        let mut client = self.client.clone();
        let told = client.status(StatusRequest { r#ref: reference }).await;
        let mut told = match told {
            Ok(told) => told.into_inner(),
            Err(status) => {
                tracing::debug!(%status, "a build tells nothing");
                return;
            }
        };
        while let Ok(Some(told)) = told.message().await {
            for news in trace.take_in(told) {
                let _ = progress.send(news).await;
            }
        }
    }
}

/// The request for a build. `id` names it, and `session` answers for it.
pub(super) fn request(asked: &ImageBuildRequest<'_>, id: String, session: &str) -> SolveRequest {
    let spec = asked.spec;
    let mut attributes = attributes(spec);
    attributes.insert("hostname".to_owned(), asked.host_name.to_owned());
    let reaches_host = spec.network == BuildNetwork::Host;
    let entitlements = reaches_host.then(|| "network.host".to_owned());
    SolveRequest {
        r#ref: id,
        session: session.to_owned(),
        frontend: "dockerfile.v0".to_owned(),
        frontend_attrs: attributes,
        exporter_deprecated: "moby".to_owned(),
        exporter_attrs_deprecated: HashMap::from([("name".to_owned(), asked.tag.to_owned())]),
        cache: Some(cache(spec)),
        entitlements: entitlements.into_iter().collect(),
        ..SolveRequest::default()
    }
}

fn cache(spec: &ImageBuildSpec) -> CacheOptions {
    let entry = |kind: &str, attrs: HashMap<String, String>| CacheOptionsEntry {
        r#type: kind.to_owned(),
        attrs,
    };
    let inline = spec.inline_cache.then(|| entry("inline", HashMap::new()));
    let from = spec.cache_from.iter().map(|image| {
        let image = ("ref".to_owned(), image.clone());
        entry("registry", HashMap::from([image]))
    });
    CacheOptions {
        exports: inline.into_iter().collect(),
        imports: from.collect(),
        ..CacheOptions::default()
    }
}

/// What the Dockerfile is to be read with.
fn attributes(spec: &ImageBuildSpec) -> HashMap<String, String> {
    let mut attributes = HashMap::new();
    let mut set = |name: &str, value: String| drop(attributes.insert(name.to_owned(), value));
    set("filename", DOCKERFILE.to_owned());
    let resolve = if spec.pull { "pull" } else { "default" };
    set("image-resolve-mode", resolve.to_owned());
    if let Some(target) = &spec.target {
        set("target", target.clone());
    }
    if let Some(platform) = &spec.platform {
        set("platform", platform.clone());
    }
    if spec.no_cache {
        set("no-cache", String::new());
    }
    match spec.network {
        BuildNetwork::Default => {}
        BuildNetwork::None => set("force-network-mode", "none".to_owned()),
        BuildNetwork::Host => set("force-network-mode", "host".to_owned()),
    }
    if !spec.extra_hosts.is_empty() {
        let hosts = spec.extra_hosts.iter();
        let hosts = hosts.map(|host| format!("{}={}", host.name, host.address));
        set("add-hosts", hosts.collect::<Vec<_>>().join(","));
    }
    if let Some(bytes) = spec.shm_size {
        set("shm-size", bytes.to_string());
    }
    if !spec.ulimits.is_empty() {
        let limits = spec.ulimits.iter();
        let limits = limits.map(|(name, limit)| format!("{name}={}:{}", limit.soft, limit.hard));
        set("ulimit", limits.collect::<Vec<_>>().join(","));
    }
    if !spec.additional_contexts.is_empty() {
        set(
            "frontend.caps",
            "moby.buildkit.frontend.contexts+forward".to_owned(),
        );
    }
    for name in spec.additional_contexts.keys() {
        set(
            &format!("context:{name}"),
            format!("local:{}", additional(name)),
        );
    }
    for (name, value) in &spec.args {
        set(&format!("build-arg:{name}"), value.clone());
    }
    for (name, value) in &spec.labels {
        set(&format!("label:{name}"), value.clone());
    }
    attributes
}
