//! The shapes of the API. What is shown to people passes through these, and none of them can hold
//! a secret, except the requests that bring specs to the agent.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;

use jiff::Timestamp;
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

/// The agent itself.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct AgentInfo {
    /// Version of the binary.
    pub version: String,
    /// Its process id.
    pub pid: u32,
    /// Since when it runs.
    pub since: Timestamp,
    /// Where its state is.
    pub state_dir: PathBuf,
    /// Where the proxy serves HTTP.
    pub http: Vec<SocketAddr>,
    /// The proxy; `None` when it does not answer.
    pub proxy: Option<ProxyStatus>,
    /// What is wrong with Landfall's own parts at this moment, for a person.
    pub problems: Vec<String>,
}

/// What a person asks for, with all that the agent needs to plan it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct PlanRequest {
    /// The app.
    pub app: AppName,
    /// The environment.
    pub environment: EnvironmentName,
    /// What is asked for.
    pub intent: Intent,
    /// For a deploy: what to deploy, and from where.
    pub deploy: Option<DeploySource>,
}

/// A source tree to deploy.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct DeploySource {
    /// The resolved spec.
    pub spec: AppSpec,
    /// Absolute directory of `landfall.toml`, on the agent's host.
    pub root: PathBuf,
    /// What git knows of it.
    pub info: SourceInfo,
    /// Variables of the person who deploys, for build commands. Kept in memory only.
    pub build_env: BTreeMap<String, String>,
}

/// A plan, and the digest by which it is confirmed.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct PlanResponse {
    /// The plan.
    pub plan: Plan,
    /// Its digest.
    pub digest: Digest,
}

/// Asks for a deployment.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct DeployRequest {
    /// What.
    #[serde(flatten)]
    pub plan: PlanRequest,
    /// The plan that was shown; the deployment is refused when another is due. `None` takes any.
    pub expect: Option<Digest>,
    /// Whether deployments that wait in the queue are replaced by this one.
    pub supersede: bool,
    /// Who asks: `user@host`.
    pub by: String,
}

/// A deployment was accepted, or there was nothing to do.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct DeployAccepted {
    /// Its id; `None` when the plan is empty and nothing was started.
    pub deployment: Option<DeploymentId>,
    /// What it will do. Of a queued one: as things are now.
    pub plan: Plan,
}

/// A deployment, as history shows it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct DeploymentView {
    /// Its id.
    pub id: DeploymentId,
    /// The app.
    pub app: AppName,
    /// The environment.
    pub environment: EnvironmentName,
    /// What was asked for.
    pub intent: Intent,
    /// Where it is.
    pub phase: Phase,
    /// How it ended; `None` while it goes on.
    pub outcome: Option<Outcome>,
    /// Why, when not well.
    pub cause: Option<Cause>,
    /// The live release before.
    pub from: Option<ReleaseNumber>,
    /// The release it leads to.
    pub to: Option<ReleaseNumber>,
    /// Who asked.
    pub by: String,
    /// When it was asked for.
    pub requested_at: Timestamp,
    /// When it began.
    pub started_at: Option<Timestamp>,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
    /// Where the source came from.
    pub source: SourceInfo,
    /// Its steps so far.
    pub steps: Vec<StepView>,
    /// What it does.
    pub plan: Option<Plan>,
}

/// A step of a deployment.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct StepView {
    /// Which.
    pub name: StepName,
    /// What became of it.
    pub state: StepState,
    /// When it began.
    pub started_at: Timestamp,
    /// How long it took, in milliseconds; `None` while it goes on.
    pub ms: Option<u64>,
    /// What it did, or why it failed.
    pub summary: Option<String>,
}

/// What became of a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
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
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct EventView {
    /// Its number.
    pub number: u64,
    /// The deployment.
    pub deployment: DeploymentId,
    /// When.
    pub at: Timestamp,
    /// What.
    pub event: Event,
}

/// Asks for the end of a deployment.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct CancelRequest {
    /// Who asks.
    pub by: String,
}

/// An environment as it is served, beside what was declared.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct EnvironmentView {
    /// The app.
    pub app: AppName,
    /// The environment.
    pub environment: EnvironmentName,
    /// The live release.
    pub release: Option<ReleaseView>,
    /// The release that the proxy proves to serve, asked just now; `None` without routes or when
    /// nothing answers.
    pub serving: Option<ReleaseNumber>,
    /// Addresses by which a browser reaches it.
    pub urls: Vec<String>,
    /// Services.
    pub services: Vec<ServiceView>,
    /// The deployment that is under way, if one is.
    pub deployment: Option<DeploymentId>,
    /// Deployments that wait.
    pub queued: Vec<DeploymentId>,
    /// Where what runs differs from what was declared, for a person.
    pub differences: Vec<String>,
}

/// A service as it runs.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ServiceView {
    /// The service.
    pub name: ServiceName,
    /// `process` or `static`.
    pub kind: String,
    /// How many instances should run.
    pub replicas: u32,
    /// Whether it was stopped by hand.
    pub stopped: bool,
    /// Its stable address on loopback, if another service asks for it.
    pub address: Option<SocketAddr>,
    /// Its instances.
    pub instances: Vec<InstanceView>,
}

/// An instance as it runs.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct InstanceView {
    /// The instance.
    pub id: InstanceId,
    /// The release that it was started for.
    pub release: ReleaseNumber,
    /// Its port.
    pub port: Option<u16>,
    /// What it is; `None` when the runtime knows nothing of it.
    pub state: Option<InstanceState>,
    /// Addresses on which its processes listen.
    pub listening: Vec<SocketAddr>,
    /// Restarts after exits of its own.
    pub restarts: u32,
    /// How its last process ended, for a person.
    pub last_exit: Option<String>,
    /// Requests and streams under way.
    pub in_flight: u64,
}

/// A release, as lists show it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ReleaseView {
    /// Its number.
    pub number: ReleaseNumber,
    /// Whether it is live.
    pub live: bool,
    /// When it was made.
    pub created_at: Timestamp,
    /// Where its source came from.
    pub source: SourceInfo,
    /// Artifact digests by the service that declares the build.
    pub artifacts: BTreeMap<ServiceName, Digest>,
    /// The deployment that made it.
    pub deployment: DeploymentId,
    /// Who asked for it.
    pub by: String,
    /// Whether a rollback to it is possible; otherwise why not.
    pub kept: Result<(), String>,
}

/// A log line with where it came from.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct LogEntry {
    /// The service.
    pub service: ServiceName,
    /// The instance.
    pub instance: InstanceId,
    /// The release.
    pub release: ReleaseNumber,
    /// The line.
    #[serde(flatten)]
    pub line: LogLine,
}

/// Runs a task by hand.
#[derive(Debug, Clone, Serialize, Deserialize)]
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
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct CacheClearRequest {
    /// The service.
    pub service: ServiceName,
    /// One of its `writable` paths.
    pub path: String,
    /// Who asks.
    pub by: String,
}

/// What was cleared.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct CacheCleared {
    /// Files removed.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
}

/// Something done by hand that was no deployment: history holds it too.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct OperationView {
    /// When.
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
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct HistoryView {
    /// Deployments, without their plans.
    pub deployments: Vec<DeploymentView>,
    /// Everything else done by hand.
    pub operations: Vec<OperationView>,
}

/// An error of the API: status and this body.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ApiError {
    /// Kebab-case: `not-found`, `refused`, `plan-changed`, `invalid`, `internal`.
    pub code: String,
    /// For a person.
    pub message: String,
    /// What to do, where known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fix: Option<String>,
}
