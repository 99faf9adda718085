//! Why an instance did not get ready, found out from what it left behind.

use std::net::SocketAddr;

use landfall_model::release::Release;
use landfall_model::spec::ReadySpec;
use landfall_model::{Cause, CauseKind};
use landfall_runtime::{Exit, LogQuery};
use landfall_store::InstanceRow;

use crate::diagnose;
use crate::instances;
use crate::redact::Redactor;
use crate::world::World;

/// Log lines that are shown as evidence.
const EVIDENCE_LINES: usize = 12;
/// Log lines that are searched for known causes.
const SEARCHED_LINES: usize = 200;

/// How the wait ended.
pub(super) enum Failure {
    /// The process exited.
    Exited(Exit),
    /// It runs, and the question was never answered well.
    NotReady {
        /// The last answer.
        last: String,
        /// Whether the limit of failures ended the wait, not the deadline.
        too_many: bool,
    },
}

impl Failure {
    pub(super) async fn cause(
        self,
        world: &World,
        release: &Release,
        row: &InstanceRow,
        ready: &ReadySpec,
    ) -> Cause {
        let query = LogQuery {
            tail: Some(SEARCHED_LINES),
            since: None,
        };
        let logs = world
            .runtime
            .logs(&row.id, &query)
            .await
            .unwrap_or_default();
        let redactor = Redactor::new([&release.spec]);
        let lines: Vec<String> = logs
            .iter()
            .filter(|line| !line.tells_a_restart())
            .map(|line| redactor.redact(&line.text))
            .collect();
        let cause = match self {
            Self::Exited(exit) => diagnose::exit_cause(row.service.as_str(), &exit, &lines),
            Self::NotReady { last, too_many } => {
                let listening = world.runtime.listening(&row.id).await.unwrap_or_default();
                let wait = match too_many {
                    true => "after too many failed checks".to_owned(),
                    false => format!("within {} s", ready.within.as_secs()),
                };
                let address = instances::address(world, row).await.unwrap_or_default();
                not_ready(row, address, &wait, last, &listening)
            }
        };
        let shown = lines.len().saturating_sub(EVIDENCE_LINES);
        let log = lines[shown..].iter().map(|line| format!("log: {line}"));
        cause.with_evidence(log)
    }
}

fn not_ready(
    row: &InstanceRow,
    address: Option<SocketAddr>,
    wait: &str,
    last: String,
    listening: &[SocketAddr],
) -> Cause {
    let service = &row.service;
    let Some(wanted) = address else {
        let message = format!("{service} was not ready {wait}");
        return Cause::new(CauseKind::Unhealthy, message).with_evidence([last]);
    };
    let on_port = listening
        .iter()
        .any(|address| address.port() == wanted.port());
    if !on_port && let Some(other) = listening.first() {
        let message = format!("{service} listens on {other} instead of {wanted} (its PORT) {wait}");
        return Cause::new(CauseKind::WrongPort, message)
            .with_evidence([last])
            .with_fix(
                "let the program listen on the port in the variable PORT, or declare `port`",
            );
    }
    if !on_port {
        let message = format!("{service} never listened on {wanted} {wait}");
        return Cause::new(CauseKind::NeverListened, message)
            .with_evidence([last, "its processes listen on no port at all".into()])
            .with_fix("let the program listen on the port in the variable PORT");
    }
    let message = format!("{service} listens, but its readiness check failed {wait}: {last}");
    Cause::new(CauseKind::Unhealthy, message)
        .with_fix("see the log for why; `ready` says what is asked and which status is accepted")
}
