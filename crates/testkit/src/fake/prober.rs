//! Questions to simulated instances, and to them through the simulated proxy.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use landfall_agent::ports::{Answer, Ask, AskError, Prober};
use landfall_model::snapshot::{
    CANDIDATE_HEADER, INSTANCE_HEADER, PROBE_HEADER, PROXY_ERROR_HEADER, RELEASE_HEADER, Route,
    Snapshot, Table, Upstream,
};

use super::faults::Injected;
use super::host::{Host, State};
use super::instance::FakeInstance;

/// Asks the simulated host.
pub struct FakeProber(pub Arc<Host>);

fn injected(_: Injected) -> AskError {
    AskError::Broken(Injected::MESSAGE.into())
}

#[async_trait]
impl Prober for FakeProber {
    async fn ask(&self, ask: &Ask) -> Result<Answer, AskError> {
        self.0.enter("ask").map_err(injected)?;
        self.0.answer(ask)
    }

    async fn connect(&self, address: SocketAddr, _timeout: Duration) -> Result<(), AskError> {
        self.0.enter("connect").map_err(injected)?;
        let now = self.0.now();
        let state = self.0.state();
        let mut listening = state.instances.values().filter_map(|i| i.listening(now));
        match listening.any(|listens| listens == address) {
            true => Ok(()),
            false => Err(AskError::Refused),
        }
    }
}

impl Host {
    /// The answer to a question, without counting it as a call of the agent's.
    ///
    /// # Errors
    /// When there is none.
    pub fn answer(&self, ask: &Ask) -> Result<Answer, AskError> {
        let now = self.now();
        let state = self.state();
        let snapshot = state.proxy.snapshot.as_ref();
        let Some(snapshot) = snapshot.filter(|s| s.http.contains(&ask.address)) else {
            return state.ask_instance(ask, now);
        };
        match state.proxy.down_until > now {
            true => Err(AskError::Refused),
            false => Ok(state.ask_proxy(snapshot, ask, now)),
        }
    }
}

impl State {
    fn ask_instance(&self, ask: &Ask, now: Duration) -> Result<Answer, AskError> {
        let at = |i: &&FakeInstance| i.listening(now) == Some(ask.address);
        let found = self.instances.values().find(at);
        found
            .map(|i| app_answer(i, &ask.path))
            .ok_or(AskError::Refused)
    }

    fn ask_proxy(&self, snapshot: &Snapshot, ask: &Ask, now: Duration) -> Answer {
        let Some((table, route)) = find_route(snapshot, ask) else {
            return proxy_answer(404, "no-route");
        };
        let mut answer = match table.services.get(&route.service) {
            Some(Upstream::Files(files)) => match std::path::Path::new(&files.root).is_dir() {
                true => plain(200, "a file"),
                false => plain(404, "no file"),
            },
            Some(Upstream::Instances(targets)) if targets.is_empty() => {
                return proxy_answer(503, "no-instance");
            }
            Some(Upstream::Instances(targets)) => {
                let instances = targets
                    .iter()
                    .filter_map(|t| self.instances.get(&t.instance));
                let Some(instance) = instances.into_iter().find(|i| i.is_up(now)) else {
                    return proxy_answer(502, "connect-failed");
                };
                let mut answer = app_answer(instance, &ask.path);
                let id = instance.spec.id.to_string();
                answer.headers.insert(INSTANCE_HEADER.into(), id);
                answer
            }
            None => return proxy_answer(503, "stopped"),
        };
        let token = ask.headers.get(PROBE_HEADER).map(String::as_str);
        match (token == Some(snapshot.probe_token.reveal()), table.release) {
            (true, Some(release)) => {
                let release = release.to_string();
                answer.headers.insert(RELEASE_HEADER.into(), release);
            }
            (true, None) => {}
            (false, _) => {
                answer.headers.remove(INSTANCE_HEADER);
            }
        }
        answer
    }
}

fn find_route<'a>(snapshot: &'a Snapshot, ask: &Ask) -> Option<(&'a Table, &'a Route)> {
    let token = ask.headers.get(CANDIDATE_HEADER);
    let tables: Vec<&Table> = match token {
        Some(token) => {
            let mut all = snapshot.candidates.iter();
            let found = all.find(|candidate| candidate.token.reveal() == token)?;
            vec![&found.table]
        }
        None => snapshot.tables.iter().collect(),
    };
    let routes = tables
        .into_iter()
        .flat_map(|table| table.routes.iter().map(move |route| (table, route)));
    let matching = routes.filter(|(_, route)| matches(route, ask));
    matching.max_by_key(|(_, route)| (route.host.is_some(), route.path.len()))
}

fn matches(route: &Route, ask: &Ask) -> bool {
    let prefix = route.path.trim_end_matches('/');
    let rest = ask.path.strip_prefix(prefix);
    let whole = rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['/', '?']));
    whole && route.host.as_ref().is_none_or(|host| *host == ask.host)
}

fn app_answer(instance: &FakeInstance, path: &str) -> Answer {
    let behaviour = &instance.behaviour;
    match path {
        "/health" => plain(behaviour.health, "health"),
        _ => plain(behaviour.status, &behaviour.version),
    }
}

fn plain(status: u16, body: &str) -> Answer {
    Answer {
        status,
        headers: BTreeMap::new(),
        body: body.as_bytes().to_vec(),
    }
}

fn proxy_answer(status: u16, word: &str) -> Answer {
    let mut answer = plain(status, "");
    answer
        .headers
        .insert(PROXY_ERROR_HEADER.into(), word.into());
    answer
}
