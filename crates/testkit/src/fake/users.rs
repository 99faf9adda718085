//! The simulated users: at every moment they ask for every route, and note what they suffer.

use std::path::Path;
use std::time::Duration;

use landfall_model::InstanceId;
use landfall_model::snapshot::{Table, Upstream};

use super::behaviour::Met;
use super::host::{Host, State};
use super::instance::FakeInstance;

/// Most violations that are kept: the first tell the story.
const KEPT: usize = 10;

impl Host {
    /// Has users ask for everything now.
    pub fn look_as_users(&self, at: &str) {
        let now = self.now();
        let mut state = self.state();
        let mut found = Vec::new();
        for table in state.proxy.tables() {
            found.extend(state.judge_table(table, now));
        }
        found.extend(state.judge_processes());
        state.note(at, now, found);
    }

    /// Passes on a stop signal; what is under way on the instance, unless it had its time, is cut
    /// off.
    pub(super) fn tell_stop(&self, id: &InstanceId) {
        let now = self.now();
        let mut state = self.state();
        let cut = state.proxy.under_way(id, now) && state.proxy.down_until <= now;
        let Some(instance) = state.instances.get_mut(id) else {
            return;
        };
        let harms = cut && instance.is_up(now) && !instance.behaviour.alone;
        instance.stop(now);
        if harms {
            let message = format!("{id} is stopped with requests under way");
            state.note("stop", now, vec![message]);
        }
    }
}

impl State {
    fn note(&mut self, at: &str, now: Duration, found: Vec<String>) {
        for message in found {
            let is_new = !self
                .violations
                .iter()
                .any(|known| known.ends_with(&message));
            if is_new && self.violations.len() < KEPT {
                let ms = now.as_millis();
                self.violations
                    .push(format!("at {ms} ms ({at}): {message}"));
            }
        }
    }

    fn judge_table(&self, table: &Table, now: Duration) -> Vec<String> {
        let mut found = Vec::new();
        for route in &table.routes {
            let (service, path) = (&route.service, &route.path);
            match table.services.get(service) {
                Some(Upstream::Files(files)) if !Path::new(&files.root).is_dir() => {
                    found.push(format!(
                        "{path} is served from {}, which is gone",
                        files.root
                    ));
                }
                Some(Upstream::Files(_)) => {}
                Some(Upstream::Instances(targets)) if !targets.is_empty() => {
                    let ids = targets.iter().map(|target| &target.instance);
                    found.extend(ids.filter_map(|id| self.judge_target(path, id, now)));
                }
                _ if self.may_be_stopped.contains(service) => {}
                _ => found.push(format!("{path} has nothing behind it")),
            }
        }
        found
    }

    fn judge_target(&self, path: &str, id: &InstanceId, now: Duration) -> Option<String> {
        let Some(instance) = self.instances.get(id) else {
            return Some(format!("{path} leads to {id}, which never was"));
        };
        match instance.behaviour.met {
            Met::Never => Some(format!("{path} leads to {id}, which is bad")),
            Met::Shortly => None,
            Met::Ready if instance.is_ready(now) || instance.behaviour.alone => None,
            Met::Ready => Some(format!("{path} leads to {id}, which is not ready")),
        }
    }

    fn judge_processes(&self) -> Vec<String> {
        let running: Vec<&FakeInstance> = self
            .instances
            .values()
            .filter(|i| i.is_supervised())
            .collect();
        let mut found = Vec::new();
        for (index, one) in running.iter().enumerate() {
            if !one.spec.run.process().is_some_and(|(_, dir)| dir.is_dir()) {
                found.push(format!("{} runs in a directory that is gone", one.spec.id));
            }
            for other in &running[index + 1..] {
                let service = |i: &FakeInstance| i.spec.owner.as_ref().map(|o| o.service.clone());
                let (a, b) = (&one.spec.id, &other.spec.id);
                if one.spec.port.is_some() && one.spec.port == other.spec.port {
                    found.push(format!("{a} and {b} have one port"));
                }
                if one.behaviour.alone && other.behaviour.alone && service(one) == service(other) {
                    found.push(format!("{a} and {b} run at once"));
                }
            }
        }
        found
    }
}
