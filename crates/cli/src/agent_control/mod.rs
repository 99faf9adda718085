//! Keeping the local agent: it runs under a shim of Landfall's own, which restarts it after a
//! crash and outlives every command.
//!
//! The shim's record is the truth about whether an agent runs; the socket only tells whether it
//! answers. Owns no state but a lock file that keeps two starts apart.

mod diagnose;
mod halt;
mod lock;
mod spec;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use landfall_agent::AGENT_INSTANCE;
use landfall_agent::api::types::AgentInfo;
use landfall_agent::paths::StatePaths;
use landfall_model::InstanceId;
use landfall_runtime::process::ProcessRuntime;
use landfall_runtime::{InstanceState, InstanceStatus, Runtime, RuntimeError};

use crate::client::{Client, ClientError};
use crate::command_error::{CommandError, CommandResult, ErrorKind};
use crate::printer::Printer;

/// How long a running agent may take to answer a question about itself.
const ANSWER_WITHIN: Duration = Duration::from_secs(5);
/// How long a started agent may take until it answers: it reads its journal first.
const START_WITHIN: Duration = Duration::from_secs(30);
/// Time between questions while it starts.
const ASK_EVERY: Duration = Duration::from_millis(20);
/// Restarts while it is waited for that make it hopeless.
const HOPELESS_RESTARTS: u32 = 5;

/// Starts, stops and finds the agent.
pub struct AgentControl {
    paths: StatePaths,
    program: PathBuf,
    runtime: ProcessRuntime,
    id: InstanceId,
    http: Option<SocketAddr>,
}

/// What a start found or did.
#[derive(Debug)]
pub struct Started {
    /// Whether it ran already.
    pub was_running: bool,
    /// What it says of itself.
    pub info: AgentInfo,
}

impl AgentControl {
    /// The keeper of the agent of a state directory. Touches nothing yet.
    pub fn new(paths: StatePaths, program: PathBuf) -> Self {
        let runtime = halt::system(&paths, &program);
        Self {
            paths,
            program,
            runtime,
            id: AGENT_INSTANCE
                .parse()
                .expect("a constant that is a valid id"),
            http: None,
        }
    }

    /// The same, with the address of the proxy for an agent that starts here for the first time.
    pub fn with_http(self, http: SocketAddr) -> Self {
        Self {
            http: Some(http),
            ..self
        }
    }

    /// A client of the agent, answering or not.
    pub fn client(&self) -> Client {
        Client::new(self.paths.agent_socket())
    }

    /// A client of an agent that answers; starts one if none runs, and says so.
    ///
    /// # Errors
    /// When it cannot be started or does not answer.
    pub async fn ensure(&self, printer: &Printer) -> CommandResult<Client> {
        let info = match self.ask().await {
            Ok(info) => info,
            Err(error) if self.paths.is_of_host() => {
                return Err(CommandError::from(error)
                    .hint("root and the group `landfall` may ask the agent of this host"));
            }
            Err(_) => {
                let started = self.start(printer).await?;
                if !started.was_running {
                    printer.note(format!("started the agent (process {})", started.info.pid));
                }
                started.info
            }
        };
        if info.version != env!("CARGO_PKG_VERSION") {
            printer.warn(format!(
                "the agent is version {} and this is {}; `landfall agent stop && landfall agent \
                 start` brings them together, and no app notices",
                info.version,
                env!("CARGO_PKG_VERSION"),
            ));
        }
        Ok(self.client())
    }

    /// Starts the agent, or finds that it runs, and waits until it answers.
    ///
    /// # Errors
    /// When it cannot be started, exits again and again, or does not answer in time.
    pub async fn start(&self, printer: &Printer) -> CommandResult<Started> {
        self.refuse_of_host("start")?;
        let _lock = lock::take(&self.paths.root().join("run/start.lock")).await?;
        let before = self.status().await?;
        let was_running = before.as_ref().is_some_and(is_supervised);
        if was_running {
            if let Ok(info) = self.ask().await {
                return Ok(Started { was_running, info });
            }
            diagnose::explain_silence(printer, &self.paths, before.as_ref());
        } else {
            let env = spec::environment(&self.paths, self.http);
            let spec = spec::instance(&self.id, &self.paths, &self.program);
            self.runtime.start(&spec, &env).await.map_err(|error| {
                CommandError::from_error(ErrorKind::Unreachable, &error)
                    .during("failed to start the agent")
            })?;
        }
        let restarts = match was_running {
            true => before.map_or(0, |status| status.restarts),
            false => 0,
        };
        let info = self.wait_until_it_answers(restarts).await?;
        Ok(Started { was_running, info })
    }

    /// Stops the agent; apps and proxy stay up. Returns whether one ran.
    ///
    /// # Errors
    /// When it does not go.
    pub async fn stop(&self) -> CommandResult<bool> {
        self.refuse_of_host("stop")?;
        let _lock = lock::take(&self.paths.root().join("run/start.lock")).await?;
        let ran = self.status().await?.as_ref().is_some_and(is_supervised);
        self.runtime.stop(&self.id, &spec::stop()).await?;
        Ok(ran)
    }

    /// The apps that run, as their shims and the engine tell: `shop in local`. Needs no agent.
    ///
    /// # Errors
    /// When their records cannot be read.
    pub async fn running_apps(&self) -> CommandResult<Vec<String>> {
        match halt::apps(&self.paths, &self.program)? {
            Some(apps) => halt::running_apps(&apps).await,
            None => Ok(Vec::new()),
        }
    }

    /// Stops all apps, the proxy and the agent. The agent is asked first, because it knows
    /// whether a deployment is under way; what it leaves, or what its shim starts again, is
    /// stopped without it.
    ///
    /// # Errors
    /// When a deployment is under way, or something does not go.
    pub async fn stop_everything(&self) -> CommandResult<()> {
        let asked = self
            .client()
            .command("/v1/agent/stop?everything=true", &())
            .await;
        match asked {
            Err(error) if !error.is_transient() => Err(error.into()),
            _ => self.halt().await,
        }
    }

    /// Stops the agent, all apps and the proxy without asking anyone.
    ///
    /// # Errors
    /// When something does not go.
    pub async fn halt(&self) -> CommandResult<()> {
        // The agent first: it would start again what it finds stopped.
        if !self.paths.is_of_host() {
            self.stop().await?;
        }
        if let Some(apps) = halt::apps(&self.paths, &self.program)? {
            halt::stop_all(&apps).await?;
        }
        if !self.paths.system().exists() {
            return Ok(());
        }
        halt::stop_all(&self.runtime).await
    }

    /// The agent of a host is its init system's to start and stop.
    fn refuse_of_host(&self, verb: &str) -> CommandResult<()> {
        if !self.paths.is_of_host() {
            return Ok(());
        }
        let message =
            format!("this command cannot {verb} the agent of this host: systemd keeps it");
        Err(CommandError::new(ErrorKind::Unreachable, message)
            .hint(format!("`systemctl {verb} landfall-agent`, as root")))
    }

    /// What the shim says of the agent; `None` when there never was one.
    ///
    /// # Errors
    /// When its record cannot be read.
    pub async fn status(&self) -> CommandResult<Option<InstanceStatus>> {
        match self.runtime.status(&self.id).await {
            Ok(status) => Ok(Some(status)),
            Err(RuntimeError::NotFound(_)) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// What the agent says of itself.
    ///
    /// # Errors
    /// When it does not answer soon.
    pub async fn ask(&self) -> Result<AgentInfo, ClientError> {
        let client = self.client();
        let asked = tokio::time::timeout(ANSWER_WITHIN, client.get("/v1/agent"));
        asked.await.unwrap_or_else(|_| {
            Err(ClientError::Silent {
                path: "/v1/agent".into(),
                seconds: ANSWER_WITHIN.as_secs(),
            })
        })
    }

    async fn wait_until_it_answers(&self, restarts_before: u32) -> CommandResult<AgentInfo> {
        let deadline = Instant::now() + START_WITHIN;
        loop {
            let error = match self.ask().await {
                Ok(info) => return Ok(info),
                Err(error) => error,
            };
            let status = self.status().await?;
            let restarts = status.as_ref().map_or(0, |status| status.restarts);
            let is_gone = !status.as_ref().is_some_and(is_supervised);
            let is_hopeless = is_gone || restarts >= restarts_before + HOPELESS_RESTARTS;
            if is_hopeless || Instant::now() > deadline {
                return Err(
                    diagnose::failed_start(&self.runtime, &self.id, &error, is_hopeless).await,
                );
            }
            tokio::time::sleep(ASK_EVERY).await;
        }
    }
}

/// Whether a shim keeps it, process up or between two attempts.
pub fn is_supervised(status: &InstanceStatus) -> bool {
    match status.state {
        InstanceState::Running { .. }
        | InstanceState::BackingOff { .. }
        | InstanceState::CrashLooping { .. } => true,
        InstanceState::Exited | InstanceState::Lost => false,
    }
}
