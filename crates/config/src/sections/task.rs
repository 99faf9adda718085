//! `[task.NAME]`.

use std::time::Duration;

use landfall_model::spec::{TaskSpec, When};

use super::app::positive_duration_or;
use super::env::{Env, read_values};
use super::{Scope, Use, command};
use crate::diagnostics::nearest;
use crate::keys;
use crate::reader::{Node, Problem, Span};

const TIMEOUT: Duration = Duration::from_secs(10 * 60);

/// A task, with the places that other sections are compared with.
pub(crate) struct TaskDraft {
    pub(crate) spec: TaskSpec,
    pub(crate) service: Use,
    /// Services that its variables refer to.
    pub(crate) addresses: Vec<Use>,
}

pub(super) fn read(node: Node<'_>, place: Span, _scope: &Scope<'_>) -> Option<TaskDraft> {
    let table = node.table(&keys::TASK, place)?;
    let service = table.require("service").and_then(Use::read);
    let run = command::require(&table);
    let when = table.get("when").map_or(Some(When::Manual), read_when);
    let blocking = table.get("blocking").and_then(Node::boolean);
    let timeout = positive_duration_or(&table, "timeout", TIMEOUT);
    let mut env = Env::default();
    if let Some(node) = table.get("env") {
        read_values(node, &mut env);
    }
    let (service, run, when) = (service?, run?, when?);
    Some(TaskDraft {
        spec: TaskSpec {
            service: service.service.clone(),
            run: Some(run),
            when,
            timeout,
            blocking: blocking.unwrap_or(when != When::AfterSwitch),
            env: env.values,
        },
        service,
        addresses: env.uses,
    })
}

fn read_when(node: Node<'_>) -> Option<When> {
    node.parse("a string", |text| match text {
        "before-switch" => Ok(When::BeforeSwitch),
        "after-switch" => Ok(When::AfterSwitch),
        "manual" => Ok(When::Manual),
        _ => {
            let known = ["before-switch", "after-switch", "manual"];
            let problem = Problem::new("invalid-choice", format!("{text:?} is no such time"))
                .label("unknown");
            Err(match nearest(&text.replace('_', "-"), known) {
                Some(meant) => problem.fix(format!("did you mean {meant:?}?")),
                None => problem.fix("write \"before-switch\", \"after-switch\" or \"manual\""),
            })
        }
    })
}
