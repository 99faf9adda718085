//! Deploying to a server what is built here: inputs are hashed here, the agent says what it lacks,
//! and that is built here and brought there before the deployment begins.

mod transfer;
mod workshop;

use std::collections::BTreeMap;
use std::num::NonZeroU64;
use std::path::{Component, Path};

use futures_util::{StreamExt, stream};
use landfall_agent::api::types::{DeployFrom, DeploySource, PlanRequest, PlanResponse};
use landfall_agent::ports::{BuiltElsewhere, Elsewhere};
use landfall_config::{BuildOn, LoadedApp};
use landfall_model::container::MountSource;
use landfall_model::spec::Build;
use landfall_model::{Cause, Digest, ServiceName};
use tokio::sync::mpsc;

use self::transfer::{Brought, Goods};
use self::workshop::{Built, Workshop};
use crate::client::Client;
use crate::command_error::{CommandError, CommandResult, ErrorKind};
use crate::context::Context;
use crate::deployment::{LocalStep, cause_block, deploy_source};
use crate::printer::human;
use crate::state_dir::own_state;

/// Builds that run at once, as on a server.
const PARALLEL: usize = 2;
/// Lines of output that wait to be shown.
const LINES: usize = 256;

/// How an app is brought to a server.
#[derive(Debug, Clone, Copy, Default)]
pub struct ShipOptions {
    /// What may go there, in bytes a second.
    pub limit: Option<NonZeroU64>,
    /// Where build commands run; `None` is as the environment says.
    pub build_on: Option<BuildOn>,
}

/// An app on its way to a server.
pub struct Shipment {
    workshop: Workshop,
    builds: BTreeMap<ServiceName, Build>,
    inputs: Elsewhere,
    limit: Option<NonZeroU64>,
}

impl Shipment {
    /// Hashes what every build is made from that is made here, and brings the source of those that
    /// are made there; the shipment, and the source to ask the agent for.
    ///
    /// # Errors
    /// When inputs cannot be read, or the app has what cannot be brought to a server.
    pub async fn prepare(
        context: &Context,
        client: &Client,
        loaded: LoadedApp,
        options: ShipOptions,
    ) -> CommandResult<(Self, DeploySource)> {
        check(&loaded)?;
        let limit = options.limit;
        let app = loaded.spec.app.clone();
        let root = loaded.root.clone();
        let build_on = options.build_on.unwrap_or(loaded.build_on);
        let builds = loaded.spec.builds();
        let mut builds: BTreeMap<_, _> = builds
            .map(|(name, build)| (name.clone(), build.clone()))
            .collect();
        let source = deploy_source(loaded);
        let workshop = Workshop::open(&own_state()?, app, root, source.build_env.clone())?;
        let mut inputs = Elsewhere::new();
        let is_image = |build: &Build| matches!(build, Build::Image(_));
        let has_images = builds.values().any(is_image);
        let all = builds.len();
        builds.retain(|_, build| !is_made_there(build, build_on));
        for (service, build) in &builds {
            let hashed = workshop
                .inputs(build)
                .await
                .map_err(|cause| failed(context, &cause))?;
            let built = BuiltElsewhere {
                inputs: hashed,
                artifact: None,
            };
            inputs.insert(service.clone(), built);
        }
        let mut source = DeploySource {
            from: DeployFrom::Elsewhere(inputs.clone()),
            ..source
        };
        let shipment = Self {
            workshop,
            builds,
            inputs,
            limit,
        };
        if shipment.builds.len() < all {
            source.source = Some(shipment.bring_sources(context, client).await?);
        }
        if !has_images {
            // Nothing there takes variables of this machine.
            source.build_env.clear();
        }
        Ok((shipment, source))
    }

    /// Brings the source tree, for what is built there; what it is.
    async fn bring_sources(&self, context: &Context, client: &Client) -> CommandResult<Digest> {
        let taken = self.workshop.sources().await;
        let taken = taken.map_err(|cause| failed(context, &cause))?;
        let mut step = LocalStep::begin(context, "sources");
        let goods = Goods {
            tree: &taken.digest,
            known: &[],
            source_of: Some((self.workshop.app(), context.environment())),
        };
        let content = self.workshop.content();
        match transfer::bring(client, content, &goods, self.limit, &mut step).await {
            Ok(brought) => step.done(&format!(
                "{}, {} that the server lacked, as {}",
                human::count(taken.files, "file"),
                human::bytes(brought.content),
                human::bytes(brought.wire)
            )),
            Err(error) => {
                step.failed(error.message());
                return Err(error);
            }
        }
        Ok(taken.digest)
    }

    /// Builds what the plan says is missing, brings it to the server, and says so in the request.
    ///
    /// # Errors
    /// When a build fails, or the connection is lost for good. What was built is kept.
    pub async fn bring(
        &self,
        context: &Context,
        client: &Client,
        request: &mut PlanRequest,
        planned: &PlanResponse,
    ) -> CommandResult<()> {
        let needed = planned.plan.builds.iter().filter(|line| line.build);
        // What is not built at all is pulled there.
        let needed = needed
            .map(|line| &line.service)
            .filter(|name| self.builds.contains_key(*name));
        let needed: Vec<&ServiceName> = needed.collect();
        if needed.is_empty() {
            return Ok(());
        }
        let is_forced = matches!(
            request.intent,
            landfall_model::plan::Intent::Deploy { force: true, .. }
        );
        let built = self.build(context, &needed, is_forced).await?;
        self.transfer(context, client, &built, planned).await?;
        let Some(deploy) = &mut request.deploy else {
            return Ok(());
        };
        let mut elsewhere = self.inputs.clone();
        for (service, built) in built {
            let told = BuiltElsewhere {
                inputs: built.inputs,
                artifact: Some(built.artifact),
            };
            elsewhere.insert(service, told);
        }
        deploy.from = DeployFrom::Elsewhere(elsewhere);
        Ok(())
    }

    async fn build(
        &self,
        context: &Context,
        needed: &[&ServiceName],
        is_forced: bool,
    ) -> CommandResult<BTreeMap<ServiceName, Built>> {
        let mut step = LocalStep::begin(context, "build");
        let (lines, mut received) = mpsc::channel::<(ServiceName, String)>(LINES);
        let builds = needed
            .iter()
            .filter_map(|&name| Some((name, self.builds.get(name)?)));
        let builds = stream::iter(builds).map(move |(name, build)| {
            let lines = lines.clone();
            let inputs = self.inputs.get(name).map(|built| &built.inputs);
            async move {
                let built = self
                    .workshop
                    .build(name, build, inputs, is_forced, lines)
                    .await;
                (name.clone(), built)
            }
        });
        let all = builds.buffer_unordered(PARALLEL).collect::<Vec<_>>();
        let tell = async {
            while let Some((service, line)) = received.recv().await {
                step.output(service.as_str(), &line);
            }
        };
        let (results, ()) = tokio::join!(all, tell);
        let (mut built, mut failure) = (BTreeMap::new(), None);
        for (service, result) in results {
            match result {
                Ok(result) => {
                    built.insert(service, result);
                }
                Err(cause) => failure = failure.or(Some((service, cause))),
            }
        }
        let said: Vec<String> = built.iter().map(|(name, built)| built.told(name)).collect();
        match failure {
            None => {
                step.done(&said.join(", "));
                Ok(built)
            }
            Some((service, cause)) => {
                step.failed(&format!("{service}: {}", cause.summary));
                let cause = match said.is_empty() {
                    true => cause,
                    false => cause.with_evidence([format!("built and kept: {}", said.join(", "))]),
                };
                Err(failed(context, &cause))
            }
        }
    }

    async fn transfer(
        &self,
        context: &Context,
        client: &Client,
        built: &BTreeMap<ServiceName, Built>,
        planned: &PlanResponse,
    ) -> CommandResult<()> {
        let mut step = LocalStep::begin(context, "transfer");
        let mut all = Brought::default();
        for (service, built) in built {
            let known = planned.known.get(service).map_or(&[][..], Vec::as_slice);
            let content = self.workshop.content();
            let goods = Goods {
                tree: &built.artifact,
                known,
                source_of: None,
            };
            match transfer::bring(client, content, &goods, self.limit, &mut step).await {
                Ok(brought) => all += brought,
                Err(error) => {
                    step.failed(error.message());
                    return Err(error);
                }
            }
        }
        step.done(&format!(
            "{} that the server lacked, as {}",
            human::bytes(all.content),
            human::bytes(all.wire)
        ));
        Ok(())
    }
}

/// Whether the server makes a build. What only names files needs no other machine to do so, and may
/// name such as git ignores.
fn is_made_there(build: &Build, build_on: BuildOn) -> bool {
    match build {
        Build::Image(_) => true,
        Build::Tree(spec) => build_on == BuildOn::Server && spec.run.is_some(),
    }
}

/// Refuses what this version cannot bring to a server.
fn check(loaded: &LoadedApp) -> CommandResult<()> {
    let refused =
        |message: String, hint: &str| Err(CommandError::new(ErrorKind::Config, message).hint(hint));
    for (name, service) in &loaded.spec.services {
        if let Some(Build::Image(build)) = &service.build {
            let contexts = [&build.context]
                .into_iter()
                .chain(build.additional_contexts.values());
            if let Some(outside) = contexts.into_iter().find(|path| is_outside(path)) {
                let message = format!(
                    "the image of {name} is built from {outside}, which is not below landfall.toml"
                );
                return refused(
                    message,
                    "what is brought to a server is the directory of landfall.toml: move that file up",
                );
            }
        }
        let mounts = service
            .container()
            .into_iter()
            .flat_map(|container| &container.run.mounts);
        for mount in mounts {
            if let MountSource::Bind { path, .. } = &mount.source
                && Path::new(path).starts_with(&loaded.root)
            {
                let message = format!(
                    "{name} mounts {} of this machine, which the server does not have",
                    path.display()
                );
                return refused(
                    message,
                    "mount a path of the server, or make it a `config` of the Compose file, which is brought there",
                );
            }
        }
    }
    Ok(())
}

/// Whether a path leaves the directory of `landfall.toml`.
fn is_outside(path: &str) -> bool {
    let mut depth = 0_i32;
    let is_below = Path::new(path).components().all(|part| {
        match part {
            Component::Normal(_) => depth += 1,
            Component::ParentDir => depth -= 1,
            Component::CurDir => {}
            Component::RootDir | Component::Prefix(_) => return false,
        }
        depth >= 0
    });
    !is_below
}

/// What stops a deployment before it began.
fn failed(context: &Context, cause: &Cause) -> CommandError {
    let printer = &context.printer;
    let why = cause_block(cause, printer.err_paint(), printer.width());
    let message = "the deployment was stopped before it began; what was live is live";
    let cause = serde_json::to_value(cause).unwrap_or_default();
    CommandError::new(ErrorKind::Stopped, message)
        .rendered(why)
        .with_data("cause", cause)
}
