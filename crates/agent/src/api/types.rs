//! The shapes of the API. What is shown to people passes through these, and none of them can hold
//! a secret, except the requests that bring specs to the agent.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;

use jiff::Timestamp;
use landfall_model::compose::ComposeContainer;
use landfall_model::event::Event;
use landfall_model::plan::{Intent, Plan, StepName};
use landfall_model::release::SourceInfo;
use landfall_model::rollout::{Outcome, Phase};
use landfall_model::snapshot::ProxyStatus;
use landfall_model::spec::AppSpec;
use landfall_model::{
    AppName, Cause, DeploymentId, Digest, EnvironmentName, InstanceId, ReleaseNumber, ServiceName,
};
use landfall_runtime::{InstanceState, LogLine};
use serde::{Deserialize, Serialize};

use crate::ports::Elsewhere;

/// The version of the API: what a client and an agent have to agree in. It changes when either
/// would misread the other.
pub const API_VERSION: u32 = 1;

/// The agent itself.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
pub struct AgentInfo {
    /// Version of the binary.
    pub version: String,
    /// The version of the API that it speaks; agents that do not say speak none that counts.
    #[serde(default)]
    pub api: u32,
    /// Its process id.
    pub pid: u32,
    /// Since when it runs.
    #[schema(value_type = String)]
    pub since: Timestamp,
    /// Where its state is.
    #[schema(value_type = String)]
    pub state_dir: PathBuf,
    /// Where the proxy serves HTTP.
    #[schema(value_type = Vec<String>)]
    pub http: Vec<SocketAddr>,
    /// The proxy; `None` when it does not answer.
    #[schema(value_type = Option<Object>)]
    pub proxy: Option<ProxyStatus>,
    /// What is wrong with Landfall's own parts at this moment, for a person.
    pub problems: Vec<String>,
}

/// The Compose projects of a host.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
pub struct ComposeProjectsView {
    /// The names of those that have a container which runs.
    pub projects: Vec<String>,
}

/// A Compose project, as the engine has it.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
pub struct ComposeProjectView {
    /// Its name.
    pub project: String,
    /// Its containers, running or not.
    #[schema(value_type = Vec<Object>)]
    pub containers: Vec<ComposeContainer>,
}

/// What a person asks for, with all that the agent needs to plan it.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
pub struct PlanRequest {
    /// The app.
    #[schema(value_type = String)]
    pub app: AppName,
    /// The environment.
    #[schema(value_type = String)]
    pub environment: EnvironmentName,
    /// What is asked for.
    #[schema(value_type = Object)]
    pub intent: Intent,
    /// For a deploy: what to deploy, and from where.
    pub deploy: Option<DeploySource>,
}

/// A source tree to deploy.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
pub struct DeploySource {
    /// The resolved spec.
    #[schema(value_type = Object)]
    pub spec: AppSpec,
    /// Where it is built.
    pub from: DeployFrom,
    /// The source tree, brought to this host beforehand, for what is built here although the rest is
    /// built elsewhere: images.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    pub source: Option<Digest>,
    /// What git knows of it.
    #[schema(value_type = Object)]
    pub info: SourceInfo,
    /// Variables of the person who deploys, for build commands. Kept in memory only.
    pub build_env: BTreeMap<String, String>,
}

/// Where what is deployed is built.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum DeployFrom {
    /// By the agent, in the directory of `landfall.toml` on its host; absolute.
    #[schema(value_type = String)]
    Directory(PathBuf),
    /// By whoever asks, who brings the trees that are missing before the deployment begins.
    #[schema(value_type = Object)]
    Elsewhere(Elsewhere),
}

impl DeployFrom {
    /// The directory, where the agent builds.
    pub fn directory(&self) -> Option<&PathBuf> {
        match self {
            Self::Directory(root) => Some(root),
            Self::Elsewhere(_) => None,
        }
    }

    /// The builds that are made elsewhere.
    pub fn elsewhere(&self) -> Option<&Elsewhere> {
        match self {
            Self::Directory(_) => None,
            Self::Elsewhere(builds) => Some(builds),
        }
    }
}

/// A plan, and the digest by which it is confirmed.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
pub struct PlanResponse {
    /// The plan.
    #[schema(value_type = Object)]
    pub plan: Plan,
    /// Its digest.
    #[schema(value_type = String)]
    pub digest: Digest,
    /// For builds that are made elsewhere: trees of the service that this host has, newest first,
    /// against which less has to be brought.
    #[serde(default)]
    #[schema(value_type = Object)]
    pub known: BTreeMap<ServiceName, Vec<Digest>>,
}

/// Asks for a deployment.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
pub struct DeployRequest {
    /// What.
    #[serde(flatten)]
    pub plan: PlanRequest,
    /// The plan that was shown; the deployment is refused when another is due. `None` takes any.
    #[schema(value_type = Option<String>)]
    pub expect: Option<Digest>,
    /// Whether deployments that wait in the queue are replaced by this one.
    pub supersede: bool,
    /// Who asks: `user@host`.
    pub by: String,
}

/// A deployment was accepted, or there was nothing to do.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
pub struct DeployAccepted {
    /// Its id; `None` when the plan is empty and nothing was started.
    #[schema(value_type = Option<u64>)]
    pub deployment: Option<DeploymentId>,
    /// What it will do. Of a queued one: as things are now.
    #[schema(value_type = Object)]
    pub plan: Plan,
}

/// A deployment, as history shows it.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
pub struct DeploymentView {
    /// Its id.
    #[schema(value_type = u64)]
    pub id: DeploymentId,
    /// The app.
    #[schema(value_type = String)]
    pub app: AppName,
    /// The environment.
    #[schema(value_type = String)]
    pub environment: EnvironmentName,
    /// What was asked for.
    #[schema(value_type = Object)]
    pub intent: Intent,
    /// Where it is.
    #[schema(value_type = Object)]
    pub phase: Phase,
    /// How it ended; `None` while it goes on.
    #[schema(value_type = Option<Object>)]
    pub outcome: Option<Outcome>,
    /// Why, when not well.
    #[schema(value_type = Option<Object>)]
    pub cause: Option<Cause>,
    /// The live release before.
    #[schema(value_type = Option<u32>)]
    pub from: Option<ReleaseNumber>,
    /// The release it leads to.
    #[schema(value_type = Option<u32>)]
    pub to: Option<ReleaseNumber>,
    /// Who asked.
    pub by: String,
    /// When it was asked for.
    #[schema(value_type = String)]
    pub requested_at: Timestamp,
    /// When it began.
    #[schema(value_type = Option<String>)]
    pub started_at: Option<Timestamp>,
    /// When it ended.
    #[schema(value_type = Option<String>)]
    pub ended_at: Option<Timestamp>,
    /// Where the source came from.
    #[schema(value_type = Object)]
    pub source: SourceInfo,
    /// Its steps so far.
    pub steps: Vec<StepView>,
    /// What it does.
    #[schema(value_type = Option<Object>)]
    pub plan: Option<Plan>,
}

/// A step of a deployment.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
pub struct StepView {
    /// Which.
    #[schema(value_type = Object)]
    pub name: StepName,
    /// What became of it.
    pub state: StepState,
    /// When it began.
    #[schema(value_type = String)]
    pub started_at: Timestamp,
    /// How long it took, in milliseconds; `None` while it goes on.
    pub ms: Option<u64>,
    /// What it did, or why it failed.
    pub summary: Option<String>,
}

/// What became of a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum StepState {
    /// Its intent is written; its effect may or may not have happened.
    Running,
    /// It is done.
    Done,
    /// It failed.
    Failed,
    /// Its effect was taken back.
    Undone,
}

/// An event with its number. Numbers grow over all deployments of a host.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
pub struct EventView {
    /// Its number.
    pub number: u64,
    /// The deployment.
    #[schema(value_type = u64)]
    pub deployment: DeploymentId,
    /// When.
    #[schema(value_type = String)]
    pub at: Timestamp,
    /// What.
    #[schema(value_type = Object)]
    pub event: Event,
}

/// Asks for the end of a deployment.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
pub struct CancelRequest {
    /// Who asks.
    pub by: String,
    /// Only while no user has met the new release; else it is refused and the deployment goes on.
    #[serde(default)]
    pub before_switch: bool,
}

/// An environment as it is served, beside what was declared.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
pub struct EnvironmentView {
    /// The app.
    #[schema(value_type = String)]
    pub app: AppName,
    /// The environment.
    #[schema(value_type = String)]
    pub environment: EnvironmentName,
    /// The live release.
    pub release: Option<ReleaseView>,
    /// How that came to be live; `None` where nothing is, or it is long forgotten.
    #[serde(default)]
    pub live_since: Option<LiveSince>,
    /// The release that the proxy proves to serve, asked just now; `None` without routes or when
    /// nothing answers.
    #[schema(value_type = Option<u32>)]
    pub serving: Option<ReleaseNumber>,
    /// Addresses by which a browser reaches it.
    pub urls: Vec<String>,
    /// Services.
    pub services: Vec<ServiceView>,
    /// The deployment that is under way, if one is.
    #[schema(value_type = Option<u64>)]
    pub deployment: Option<DeploymentId>,
    /// Deployments that wait.
    #[schema(value_type = Vec<u64>)]
    pub queued: Vec<DeploymentId>,
    /// Where what runs differs from what was declared, for a person.
    pub differences: Vec<String>,
}

/// How a release came to be live: by the deployment that made it, or by a later one.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
pub struct LiveSince {
    /// The deployment.
    #[schema(value_type = u64)]
    pub deployment: DeploymentId,
    /// What it did: `deploy`, `rollback`, `restart`, ….
    pub how: String,
    /// Who asked for it.
    pub by: String,
    /// When it ended.
    #[schema(value_type = String)]
    pub at: Timestamp,
}

/// A service as it runs.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
pub struct ServiceView {
    /// The service.
    #[schema(value_type = String)]
    pub name: ServiceName,
    /// `process` or `static`.
    pub kind: String,
    /// How many instances should run.
    pub replicas: u32,
    /// Whether it was stopped by hand.
    pub stopped: bool,
    /// Its stable address on loopback, if another service asks for it.
    #[schema(value_type = Option<String>)]
    pub address: Option<SocketAddr>,
    /// Its instances.
    pub instances: Vec<InstanceView>,
}

/// An instance as it runs.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
pub struct InstanceView {
    /// The instance.
    #[schema(value_type = String)]
    pub id: InstanceId,
    /// The release that it was started for.
    #[schema(value_type = u32)]
    pub release: ReleaseNumber,
    /// Its port.
    pub port: Option<u16>,
    /// What it is; `None` when the runtime knows nothing of it.
    #[schema(value_type = Option<Object>)]
    pub state: Option<InstanceState>,
    /// Addresses on which its processes listen.
    #[schema(value_type = Vec<String>)]
    pub listening: Vec<SocketAddr>,
    /// Restarts after exits of its own.
    pub restarts: u32,
    /// How its last process ended, for a person.
    pub last_exit: Option<String>,
    /// Requests and streams under way.
    pub in_flight: u64,
}

/// A release, as lists show it.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
pub struct ReleaseView {
    /// Its number.
    #[schema(value_type = u32)]
    pub number: ReleaseNumber,
    /// Whether it is live.
    pub live: bool,
    /// When it was made.
    #[schema(value_type = String)]
    pub created_at: Timestamp,
    /// Where its source came from.
    #[schema(value_type = Object)]
    pub source: SourceInfo,
    /// Artifact digests by the service that declares the build.
    #[schema(value_type = BTreeMap<String, String>)]
    pub artifacts: BTreeMap<ServiceName, Digest>,
    /// The deployment that made it.
    #[schema(value_type = u64)]
    pub deployment: DeploymentId,
    /// Who asked for it.
    pub by: String,
    /// Whether a rollback to it is possible; otherwise why not.
    #[schema(value_type = Object)]
    pub kept: Result<(), String>,
}

/// A log line with where it came from.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
pub struct LogEntry {
    /// The service.
    #[schema(value_type = String)]
    pub service: ServiceName,
    /// The instance.
    #[schema(value_type = String)]
    pub instance: InstanceId,
    /// The release.
    #[schema(value_type = u32)]
    pub release: ReleaseNumber,
    /// The line.
    #[serde(flatten)]
    #[schema(value_type = Object)]
    pub line: LogLine,
}

/// Runs a task by hand.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
pub struct RunTaskRequest {
    /// Who asks.
    pub by: String,
}

/// What a task that runs by hand tells: lines, then its end. Sent as one JSON object a line.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum TaskOutput {
    /// A line of output.
    Line(LogLine),
    /// It ended.
    Ended {
        /// Whether it succeeded.
        ok: bool,
        /// Exit code, when it exited.
        code: Option<i32>,
        /// Why it failed.
        cause: Option<Cause>,
        /// How long it took, in milliseconds.
        ms: u64,
    },
}

/// Clears a persistent path.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
pub struct CacheClearRequest {
    /// The service.
    #[schema(value_type = String)]
    pub service: ServiceName,
    /// One of its `writable` paths.
    pub path: String,
    /// Who asks.
    pub by: String,
}

/// What was cleared.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
pub struct CacheCleared {
    /// Files removed.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
}

/// Removes an environment.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
pub struct RemoveRequest {
    /// Who asks.
    pub by: String,
}

/// What was removed.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Removed {
    /// Releases that a rollback could have returned to, the live one included.
    pub releases: u64,
    /// Bytes of content that nothing else needs.
    pub bytes: u64,
}

/// Something done by hand that was no deployment: history holds it too.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
pub struct OperationView {
    /// When.
    #[schema(value_type = String)]
    pub at: Timestamp,
    /// Who.
    pub by: String,
    /// What, for a person: `ran task migrate`.
    pub what: String,
    /// Whether it succeeded.
    pub ok: bool,
    /// The result, for a person.
    pub result: String,
}

/// History of an environment, newest first.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
pub struct HistoryView {
    /// Deployments, without their plans.
    pub deployments: Vec<DeploymentView>,
    /// Everything else done by hand.
    pub operations: Vec<OperationView>,
}

/// An error of the API: status and this body.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
pub struct ApiError {
    /// Kebab-case: `not-found`, `refused`, `forbidden`, `plan-changed`, `invalid`, `internal`.
    pub code: String,
    /// For a person.
    pub message: String,
    /// What to do, where known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fix: Option<String>,
}
