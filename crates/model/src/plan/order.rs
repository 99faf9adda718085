//! Which steps a deployment has. Their order is that of [`StepName`].

use super::{Action, Intent, Plan, StepName};
use crate::spec::{AppSpec, When};

pub(super) fn steps(plan: &Plan, spec: &AppSpec) -> Vec<StepName> {
    let any = |wanted: &[Action]| {
        plan.services
            .iter()
            .any(|line| wanted.contains(&line.action))
    };
    let starts = plan
        .services
        .iter()
        .any(|line| line.start > 0 && line.action != Action::ReplaceStopFirst);
    let stop_first = any(&[Action::ReplaceStopFirst]);
    let is_deploy = matches!(plan.intent, Intent::Deploy { .. });
    let changes_release = plan.makes_release || plan.from != plan.to;
    let serves = plan.stopped.len() != spec.services.len();
    let task = |when| plan.tasks.iter().any(|line| line.when == when);
    let wanted = [
        (StepName::Build, plan.builds.iter().any(|line| line.build)),
        (StepName::Preflight, true),
        (
            StepName::Prepare,
            starts || stop_first || any(&[Action::Serve]) || changes_release,
        ),
        (StepName::Adopt, !plan.adopts.is_empty()),
        (StepName::BeforeTasks, task(When::BeforeSwitch)),
        (StepName::Start, starts),
        (StepName::Ready, starts),
        (
            StepName::Rehearse,
            changes_release && !spec.routes.is_empty(),
        ),
        (StepName::Replace, stop_first),
        (StepName::Switch, true),
        (StepName::Verify, serves && !spec.routes.is_empty()),
        (
            StepName::Watch,
            is_deploy && spec.watch.is_some() && plan.from.is_some(),
        ),
        (
            StepName::Drain,
            plan.stops().next().is_some() || !plan.adopts.is_empty(),
        ),
        (StepName::AfterTasks, task(When::AfterSwitch)),
        (StepName::Retire, plan.makes_release),
    ];
    wanted
        .into_iter()
        .filter(|(_, wanted)| *wanted)
        .map(|(step, _)| step)
        .collect()
}
