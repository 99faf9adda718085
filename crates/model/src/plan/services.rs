//! What happens to each service.

use std::collections::BTreeSet;

use super::compute::build_reason;
use super::{
    Action, BuildNeed, BuildReason, Desired, Intent, Observed, ObservedInstance, ServiceLine,
    adopt, instance_key,
};
use crate::env::Template;
use crate::spec::ServiceSpec;
use crate::{Digest, ReleaseNumber, ServiceName};

impl ServiceLine {
    /// Whether nothing happens to the service.
    pub fn is_kept(&self) -> bool {
        self.action == Action::Keep
    }

    fn new(service: &ServiceName, action: Action, reason: impl Into<String>) -> Self {
        let (keep, stop) = (Vec::new(), Vec::new());
        Self {
            service: service.clone(),
            action,
            reason: reason.into(),
            keep,
            stop,
            start: 0,
        }
    }

    fn keeping<'a>(mut self, instances: impl IntoIterator<Item = &'a ObservedInstance>) -> Self {
        self.keep = instances
            .into_iter()
            .map(|instance| instance.id.clone())
            .collect();
        self
    }

    fn stopping<'a>(mut self, instances: impl IntoIterator<Item = &'a ObservedInstance>) -> Self {
        self.stop = instances
            .into_iter()
            .map(|instance| instance.id.clone())
            .collect();
        self
    }

    fn starting(mut self, count: u32) -> Self {
        self.start = count;
        self
    }
}

/// A line for every service of the new spec, then one for every service that goes.
pub(super) fn lines(
    desired: &Desired,
    observed: &Observed,
    to: ReleaseNumber,
    stopped: &BTreeSet<ServiceName>,
) -> Vec<ServiceLine> {
    let view = View {
        desired,
        observed,
        to,
    };
    let mut lines: Vec<ServiceLine> = Vec::new();
    for (name, spec) in &desired.spec.services {
        lines.push(match stopped.contains(name) {
            true => view.stopped(name),
            false => view.running(name, spec),
        });
    }
    let mut gone: Vec<&ServiceName> = observed
        .instances
        .iter()
        .map(|instance| &instance.service)
        .filter(|name| !desired.spec.services.contains_key(*name))
        .collect();
    gone.dedup();
    for name in gone {
        let line = ServiceLine::new(name, Action::Stop, "not part of the release");
        lines.push(line.stopping(view.instances(name)));
    }
    lines
}

struct View<'a> {
    desired: &'a Desired,
    observed: &'a Observed,
    to: ReleaseNumber,
}

impl<'a> View<'a> {
    fn instances(&self, name: &ServiceName) -> Vec<&'a ObservedInstance> {
        self.observed
            .instances
            .iter()
            .filter(|instance| instance.service == *name)
            .collect()
    }

    fn stopped(&self, name: &ServiceName) -> ServiceLine {
        let instances = self.instances(name);
        let action = if instances.is_empty() {
            Action::Keep
        } else {
            Action::Stop
        };
        let reason = match self.observed.stopped.contains(name) {
            true => "stopped by hand; `landfall start` starts it",
            false => "asked to stop",
        };
        ServiceLine::new(name, action, reason).stopping(instances)
    }

    fn running(&self, name: &ServiceName, spec: &ServiceSpec) -> ServiceLine {
        if spec.life().is_none() {
            return self.files(name, spec);
        }
        let current = self.instances(name);
        if current.is_empty() && spec.replicas == 0 {
            return self.idle(name, spec);
        }
        if current.is_empty() {
            return self.first(name, spec);
        }
        if let Some(reason) = self.forced(name) {
            return self.replace(name, spec, reason);
        }
        let Some(key) = self.key(name) else {
            return self.replace(name, spec, self.rebuilt_reason(spec));
        };
        if current.iter().any(|instance| instance.key != key) {
            return self.replace(name, spec, self.changed_reason(name, spec));
        }
        scale(name, spec, &current)
    }

    /// A service that has no instance. Where it takes the place of containers of a Compose
    /// project and must not overlap with them, they stop first.
    fn first(&self, name: &ServiceName, spec: &ServiceSpec) -> ServiceLine {
        let before = adopt::predecessors(self.desired, self.observed, name);
        let names: Vec<&str> = before.iter().map(|c| c.name.as_str()).collect();
        let (action, reason) = match (before.is_empty(), spec.may_overlap()) {
            (true, _) => (Action::Start, self.start_reason(name)),
            (false, true) => (Action::Start, format!("beside {}", names.join(", "))),
            (false, false) => (
                Action::ReplaceStopFirst,
                format!("takes the place of {}", names.join(", ")),
            ),
        };
        ServiceLine::new(name, action, reason).starting(spec.replicas)
    }

    /// A service of which nothing runs by itself: its tasks do.
    fn idle(&self, name: &ServiceName, spec: &ServiceSpec) -> ServiceLine {
        let live = self.observed.live.as_ref();
        let old = live.and_then(|live| live.spec.services.get(name));
        let reason = match (old, self.need(spec)) {
            (None, _) => self.start_reason(name),
            (_, Some(BuildNeed::Needed(_))) => self.rebuilt_reason(spec),
            (Some(old), _) if self.artifact(spec) != self.live_artifact(old) => {
                self.changed_reason(name, spec)
            }
            _ => return ServiceLine::new(name, Action::Keep, "nothing of it runs by itself"),
        };
        ServiceLine::new(name, Action::Start, reason)
    }

    fn files(&self, name: &ServiceName, spec: &ServiceSpec) -> ServiceLine {
        let live = self.observed.live.as_ref();
        let old = live.and_then(|live| live.spec.services.get(name));
        let reason = match (old, self.need(spec)) {
            (None, _) => self.start_reason(name),
            (_, Some(BuildNeed::Needed(_))) => self.rebuilt_reason(spec),
            (Some(old), _) if old.kind != spec.kind => "settings changed".into(),
            (Some(old), _) if self.artifact(spec) != self.live_artifact(old) => {
                self.changed_reason(name, spec)
            }
            _ if self.observed.stopped.contains(name) => self.start_reason(name),
            _ => return ServiceLine::new(name, Action::Keep, "unchanged"),
        };
        ServiceLine::new(name, Action::Serve, reason)
    }

    fn replace(&self, name: &ServiceName, spec: &ServiceSpec, reason: String) -> ServiceLine {
        let live = self.observed.live.as_ref();
        let old = live.and_then(|live| live.spec.services.get(name));
        let overlap = spec.may_overlap() && old.is_none_or(ServiceSpec::may_overlap);
        let action = if overlap {
            Action::Replace
        } else {
            Action::ReplaceStopFirst
        };
        ServiceLine::new(name, action, reason)
            .stopping(self.instances(name))
            .starting(spec.replicas)
    }

    fn forced(&self, name: &ServiceName) -> Option<String> {
        match &self.desired.intent {
            Intent::Deploy { force: true, .. } => {
                let is_kept = self.desired.spec.kept.contains_key(name);
                (!is_kept).then(|| "forced".into())
            }
            Intent::Restart { services } if services.is_empty() || services.contains(name) => {
                Some("asked to restart".into())
            }
            _ => None,
        }
    }

    fn need(&self, spec: &ServiceSpec) -> Option<&'a BuildNeed> {
        self.desired.builds.get(&spec.artifact)
    }

    fn artifact(&self, spec: &ServiceSpec) -> Option<Digest> {
        match self.need(spec) {
            Some(BuildNeed::Exists(artifact)) => Some(artifact.digest),
            _ => None,
        }
    }

    fn live_artifact(&self, old: &ServiceSpec) -> Option<Digest> {
        let live = self.observed.live.as_ref()?;
        live.artifacts
            .get(&old.artifact)
            .map(|artifact| artifact.digest)
    }

    /// What new instances would be started from; `None` while their artifact is not built.
    fn key(&self, name: &ServiceName) -> Option<Digest> {
        let spec = self.desired.spec.services.get(name)?;
        if matches!(self.need(spec), Some(BuildNeed::Needed(_))) {
            return None;
        }
        let (spec, artifact) = (&self.desired.spec, self.artifact(spec));
        instance_key(spec, name, artifact, self.to, &self.desired.source)
    }

    fn start_reason(&self, name: &ServiceName) -> String {
        let live = self.observed.live.as_ref();
        match live.map(|live| live.spec.services.contains_key(name)) {
            None => "first release".into(),
            Some(false) => "new service".into(),
            Some(true) if self.observed.stopped.contains(name) => "was stopped".into(),
            Some(true) => "has no instance".into(),
        }
    }

    fn rebuilt_reason(&self, spec: &ServiceSpec) -> String {
        match self.need(spec) {
            Some(BuildNeed::Needed(BuildReason::NotHere)) => "its image is pulled".into(),
            Some(BuildNeed::Needed(reason)) => format!("rebuilt, {}", build_reason(reason)),
            _ => "rebuilt".into(),
        }
    }

    fn changed_reason(&self, name: &ServiceName, spec: &ServiceSpec) -> String {
        let live = self.observed.live.as_ref();
        let Some(old) = live.and_then(|live| live.spec.services.get(name)) else {
            return "runs another release".into();
        };
        let (before, after) = (self.live_artifact(old), self.artifact(spec));
        if let (Some(before), Some(after)) = (before, after)
            && before != after
        {
            return format!(
                "another artifact: {} instead of {}",
                after.short(),
                before.short()
            );
        }
        let names = changed_names(old, spec);
        if !names.is_empty() {
            return format!("env changed: {}", names.join(", "));
        }
        match (old.process(), spec.process()) {
            (Some(old), Some(new)) if old.run != new.run => "command changed".into(),
            _ if image(old) != image(spec) => format!("image {}", image(spec).unwrap_or("gone")),
            _ if old.instance_digest() != spec.instance_digest() => "settings changed".into(),
            _ => "tells the release or commit to its process".into(),
        }
    }
}

/// The image of a container, as people name it.
fn image(spec: &ServiceSpec) -> Option<&str> {
    spec.container()
        .map(|container| container.run.image.as_str())
}

fn changed_names(old: &ServiceSpec, new: &ServiceSpec) -> Vec<String> {
    let names: BTreeSet<&String> = old.env.keys().chain(new.env.keys()).collect();
    let value =
        |spec: &ServiceSpec, name: &String| -> Option<Template> { spec.env.get(name).cloned() };
    names
        .into_iter()
        .filter(|name| value(old, name) != value(new, name))
        .cloned()
        .collect()
}

/// Instances that do not run are stopped for good and replaced; of the others the first stay.
fn scale(name: &ServiceName, spec: &ServiceSpec, current: &[&ObservedInstance]) -> ServiceLine {
    let replicas = spec.replicas;
    let (running, dead): (Vec<_>, Vec<_>) = current
        .iter()
        .copied()
        .partition(|instance| instance.running);
    let wanted = replicas as usize;
    if dead.is_empty() && running.len() == wanted {
        return ServiceLine::new(name, Action::Keep, "unchanged").keeping(running);
    }
    let reason = match dead.len() {
        0 => format!("{} instances instead of {}", wanted, running.len()),
        dead => format!("{dead} of {} instances did not run", current.len()),
    };
    if !dead.is_empty() && !spec.may_overlap() {
        // It may be started again at any moment, and must not meet its successor.
        return ServiceLine::new(name, Action::ReplaceStopFirst, reason)
            .stopping(current.iter().copied())
            .starting(replicas);
    }
    let kept = running.len().min(wanted);
    ServiceLine::new(name, Action::Scale, reason)
        .stopping(dead.iter().chain(&running[kept..]).copied())
        .starting(u32::try_from(wanted - kept).unwrap_or(u32::MAX))
        .keeping(running[..kept].iter().copied())
}
