//! The planner: a pure function of what is asked for and what is.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    BuildLine, BuildNeed, BuildReason, Desired, Intent, Observed, PLAN_FORMAT, Plan, Refusal,
    TaskLine, adopt, changes, order, services,
};
use crate::env::{Part, Template};
use crate::release::SourceInfo;
use crate::spec::{AppSpec, When};
use crate::{Digest, ReleaseNumber, ServiceName};

/// Most paths named in a reason; the rest are counted.
const PATHS_NAMED: usize = 3;

/// Computes what a deployment will do.
///
/// # Errors
/// When the intent contradicts the state: no release to go back to, an unknown service, nothing
/// deployed yet.
pub fn plan(desired: &Desired, observed: &Observed) -> Result<Plan, Refusal> {
    check_intent(desired, observed)?;
    let live = observed.live.as_ref();
    let makes_release = matches!(desired.intent, Intent::Deploy { .. } | Intent::Scale { .. });
    let to = match (&observed.target, live) {
        _ if makes_release => observed.next_release,
        (Some(target), _) => target.number,
        (None, Some(live)) => live.number,
        (None, None) => observed.next_release,
    };
    let stopped = stopped_after(desired, observed);
    let services = services::lines(desired, observed, to, &stopped);
    let mut plan = Plan {
        format: PLAN_FORMAT,
        intent: desired.intent.clone(),
        from: live.map(|live| live.number),
        to: Some(to),
        makes_release,
        builds: build_lines(desired),
        adopts: adopt::lines(desired, observed, &services),
        services,
        routes: changes::routes(live.map(|live| &live.spec), &desired.spec),
        env: changes::env(live.map(|live| &live.spec), &desired.spec),
        tasks: Vec::new(),
        stopped: stopped.into_iter().collect(),
        steps: Vec::new(),
        notes: Vec::new(),
    };
    if is_unchanged(&plan, desired, observed) {
        plan.to = plan.from;
        plan.makes_release = false;
        return Ok(plan);
    }
    if matches!(desired.intent, Intent::Deploy { .. }) {
        plan.tasks = task_lines(&desired.spec);
    }
    plan.notes = changes::notes(&plan, desired, observed);
    plan.notes
        .extend(adopt::notes(&plan.adopts, desired, observed));
    plan.steps = order::steps(&plan, &desired.spec);
    Ok(plan)
}

/// Identifies what an instance was started from: two instances with one key are interchangeable.
/// `None` for a service that the spec does not have.
pub fn instance_key(
    spec: &AppSpec,
    service: &ServiceName,
    artifact: Option<Digest>,
    release: ReleaseNumber,
    source: &SourceInfo,
) -> Option<Digest> {
    let kept = spec.kept.get(service);
    let service = spec.services.get(service)?;
    let templates = || {
        service
            .env
            .values()
            .chain(service.version.as_ref().map(|v| &v.expect))
    };
    let uses = |wanted: &Part| templates().any(|template: &Template| template.0.contains(wanted));
    let (release, commit) = match kept {
        Some(origin) => (origin.release, origin.commit.as_deref()),
        None => (release, source.commit.as_deref()),
    };
    let release = uses(&Part::Release).then_some(release);
    let commit = commit.filter(|_| uses(&Part::Commit));
    Some(Digest::of_json(&(
        service.instance_digest(),
        artifact,
        release,
        commit,
    )))
}

fn check_intent(desired: &Desired, observed: &Observed) -> Result<(), Refusal> {
    let known = |name: &ServiceName| {
        if desired.spec.services.contains_key(name) {
            return Ok(());
        }
        let names: Vec<&str> = desired
            .spec
            .services
            .keys()
            .map(ServiceName::as_str)
            .collect();
        Err(Refusal::new(format!(
            "no service {name}; there are: {}",
            names.join(", ")
        )))
    };
    match &desired.intent {
        Intent::Deploy { .. } => return Ok(()),
        Intent::Rollback { .. } => {
            if observed.target.is_none() {
                return Err(Refusal::new("there is no release to go back to"));
            }
        }
        Intent::Restart { services } | Intent::Start { services } | Intent::Stop { services } => {
            services.iter().try_for_each(known)?;
        }
        Intent::Scale { replicas } => replicas.keys().try_for_each(known)?,
    }
    if observed.live.is_none() {
        return Err(Refusal::new(
            "nothing is deployed yet; run `landfall deploy` first",
        ));
    }
    Ok(())
}

fn stopped_after(desired: &Desired, observed: &Observed) -> BTreeSet<ServiceName> {
    let all = || {
        desired
            .spec
            .services
            .keys()
            .cloned()
            .collect::<BTreeSet<_>>()
    };
    let named = |services: &Vec<ServiceName>| match services.is_empty() {
        true => all(),
        false => services.iter().cloned().collect(),
    };
    let mut stopped = observed.stopped.clone();
    match &desired.intent {
        Intent::Deploy { .. } | Intent::Rollback { .. } => stopped.clear(),
        Intent::Restart { services } | Intent::Start { services } => {
            stopped = &stopped - &named(services);
        }
        Intent::Scale { replicas } => stopped.retain(|name| !replicas.contains_key(name)),
        Intent::Stop { services } => stopped.extend(named(services)),
    }
    stopped.retain(|name| desired.spec.services.contains_key(name));
    stopped
}

fn build_lines(desired: &Desired) -> Vec<BuildLine> {
    let line = |(service, need): (&ServiceName, &BuildNeed)| BuildLine {
        service: service.clone(),
        build: matches!(need, BuildNeed::Needed(_)),
        reason: match need {
            BuildNeed::Exists(artifact) if artifact.is_image() => {
                let services = &desired.spec.services;
                let is_built = services.get(service).is_some_and(|s| s.build.is_some());
                let how = if is_built {
                    "inputs unchanged"
                } else {
                    "as it is"
                };
                format!("{how}, image {}", artifact.digest.short())
            }
            BuildNeed::Exists(artifact) => {
                format!("inputs unchanged, artifact {}", artifact.digest.short())
            }
            BuildNeed::Needed(reason) => build_reason(reason),
        },
    };
    desired.builds.iter().map(line).collect()
}

pub(super) fn build_reason(reason: &BuildReason) -> String {
    match reason {
        BuildReason::First => "first build".into(),
        BuildReason::Forced => "forced".into(),
        BuildReason::NotHere => "pulled, it is not on this machine".into(),
        BuildReason::ArtifactGone => "its artifact is not in the store any more".into(),
        BuildReason::InputsChanged(paths) => {
            let named = paths
                .iter()
                .take(PATHS_NAMED)
                .cloned()
                .collect::<Vec<_>>()
                .join(", ");
            let more = match paths.len().saturating_sub(PATHS_NAMED) {
                0 => String::new(),
                more => format!(" and {more} more"),
            };
            let inputs = if paths.len() == 1 { "input" } else { "inputs" };
            format!("{} {inputs} changed: {named}{more}", paths.len())
        }
    }
}

fn task_lines(spec: &AppSpec) -> Vec<TaskLine> {
    let automatic = spec
        .tasks
        .iter()
        .filter(|(_, task)| task.when != When::Manual);
    let mut lines: Vec<TaskLine> = automatic
        .map(|(name, task)| TaskLine {
            task: name.clone(),
            when: task.when,
            command: match &task.run {
                Some(run) => run.to_string(),
                None => format!("as {} does", task.service),
            },
        })
        .collect();
    lines.sort_by_key(|line| line.when == When::AfterSwitch);
    lines
}

fn is_unchanged(plan: &Plan, desired: &Desired, observed: &Observed) -> bool {
    // Where a service that does not change comes from is no change either.
    let own = |spec: &AppSpec| AppSpec {
        kept: BTreeMap::new(),
        ..spec.clone()
    };
    let live = observed.live.as_ref();
    let same_spec = live.is_some_and(|live| own(&live.spec) == own(&desired.spec));
    let same_release = plan.makes_release || plan.from == plan.to;
    let same_stopped = plan.stopped.iter().eq(&observed.stopped);
    let same_spec = same_spec && plan.adopts.is_empty();
    same_spec && same_release && same_stopped && plan.services.iter().all(|line| line.is_kept())
}
