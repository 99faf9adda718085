//! `landfall deploy --ci`: a deployment as the job of a CI system.
//!
//! Changes nothing about the deployment. Knows what the job did, and tells it in the ways that
//! GitHub Actions has, where it runs there; decides what becomes of the deployment of a job that
//! is cancelled.

mod annotations;
mod follow;
mod github;
mod signals;
mod summary;

use std::cell::{Cell, RefCell};

use landfall_agent::api::types::{PlanRequest, StepState};
use landfall_model::ServerAddress;
use landfall_model::plan::Plan;
use landfall_model::release::SourceInfo;

pub use annotations::annotations;
pub use github::asked_by;

use self::github::GitHub;
use self::signals::Signals;
use crate::command_error::{CommandError, CommandResult, ErrorKind};
use crate::context::Context;
use crate::deployment::DeploymentResult;
use crate::exit::ExitCode;
use crate::printer::{Display, Paint, Printer};
use crate::render;

/// Columns of the plan in a summary.
const PLAN_WIDTH: usize = 100;

/// A job of a CI system.
pub struct Ci {
    github: Option<GitHub>,
    signals: Signals,
    /// Whether the agent may have been asked for a deployment.
    has_asked: Cell<bool>,
    record: RefCell<Record>,
}

/// What the job did so far.
#[derive(Debug, Default)]
struct Record {
    /// App and environment: `shop to production`.
    target: Option<String>,
    /// The server that it is on, where it is on another machine.
    server: Option<String>,
    /// Where the source comes from.
    source: SourceInfo,
    /// The plan, as people read it.
    plan: Option<String>,
    /// What was done here, before the deployment began.
    steps: Vec<LocalDone>,
    /// The deployment, once it ended or was let go.
    result: Option<DeploymentResult>,
    /// What became of the deployment when the job was cancelled.
    cancelled: Option<String>,
}

/// A step that was done here.
#[derive(Debug)]
struct LocalDone {
    name: &'static str,
    state: StepState,
    ms: u64,
    summary: String,
}

impl Ci {
    /// The job that this process runs in, as the environment tells.
    ///
    /// # Errors
    /// When signals cannot be listened to.
    pub fn of_environment() -> CommandResult<Self> {
        Ok(Self {
            github: GitHub::of(|name| std::env::var(name).ok()),
            signals: Signals::listen()?,
            has_asked: Cell::new(false),
            record: RefCell::default(),
        })
    }

    /// How work that goes on is shown.
    pub fn display(&self) -> Display {
        match self.github {
            Some(_) => Display::GitHub,
            None => Display::Lines,
        }
    }

    /// A plan was made.
    pub fn planned(&self, request: &PlanRequest, plan: &Plan, server: Option<&ServerAddress>) {
        let mut record = self.record.borrow_mut();
        record.target = Some(format!("{} to {}", request.app, request.environment));
        record.server = server.map(ToString::to_string);
        if let Some(deploy) = &request.deploy {
            record.source = deploy.info.clone();
        }
        record.plan = Some(render::plan(request, plan, Paint::new(false), PLAN_WIDTH));
    }

    /// A step was done here.
    pub fn did(&self, name: &'static str, state: StepState, ms: u64, summary: &str) {
        self.record.borrow_mut().steps.push(LocalDone {
            name,
            state,
            ms,
            summary: summary.to_owned(),
        });
    }

    /// From now on there may be a deployment, and a signal is about that.
    pub fn asks(&self) {
        self.has_asked.set(true);
    }

    /// The deployment ended, or was let go.
    pub fn ended(&self, result: &DeploymentResult) {
        self.record.borrow_mut().result = Some(result.clone());
    }

    /// Ends when the job is cancelled before there may be a deployment.
    async fn cancelled_early(&self) {
        self.signals.received(1).await;
        if self.has_asked.get() {
            std::future::pending::<()>().await;
        }
    }

    /// Tells the CI system how it ended.
    fn tell(&self, printer: &Printer, done: &CommandResult) {
        let record = self.record.borrow();
        for annotation in annotations::of_end(&record, done) {
            printer.annotate(|| annotation);
        }
        let Some(github) = &self.github else {
            return;
        };
        let written = github
            .append_summary(&summary::markdown(&record, done))
            .and_then(|()| github.append_outputs(&summary::outputs(&record, done)));
        // The deployment is what it is, whether the runner takes a report of it or not.
        if let Err(error) = written {
            printer.warn(format!("failed to write the summary of the step: {error}"));
        }
    }
}

/// Carries out a deploy as a job.
///
/// # Errors
/// As the deploy, and when the job is cancelled before it began.
pub async fn run(context: &Context, work: impl Future<Output = CommandResult>) -> CommandResult {
    let Some(ci) = &context.ci else {
        return work.await;
    };
    let done: CommandResult<ExitCode> = tokio::select! {
        done = work => done,
        () = ci.cancelled_early() => Err(CommandError::new(
            ErrorKind::Stopped,
            "the job was cancelled before the deployment began; what was live is live",
        )),
    };
    ci.tell(&context.printer, &done);
    done
}
