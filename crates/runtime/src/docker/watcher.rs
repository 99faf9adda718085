//! Listening to the engine: one task for each runtime, from its first use until it is dropped.
//!
//! It keeps what happened for [`super::history`] and rings a bell. It decides nothing: whoever
//! hears the bell asks the engine what is.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use bollard::models::EventMessage;
use bollard::query_parameters::EventsOptions;
use futures_util::StreamExt;
use jiff::Timestamp;
use tokio::sync::watch;

use super::engine::Engine;
use super::history::{self, Fact, History};
use super::labels;
use super::observe::nanos_text;

/// The first pause before the engine is asked again; it doubles.
const FIRST_PAUSE: Duration = Duration::from_millis(50);
/// The longest pause.
const LONGEST_PAUSE: Duration = Duration::from_secs(2);
/// What concerns a container's state or address beyond what is a fact in its history.
const OTHERS: [&str; 8] = [
    "create",
    "destroy",
    "pause",
    "unpause",
    "update",
    "rename",
    "connect",
    "disconnect",
];

/// What the task works with.
pub(super) struct Watcher {
    pub engine: Arc<Engine>,
    pub history: Arc<History>,
    pub bell: watch::Sender<u64>,
    pub home: String,
}

impl Watcher {
    /// Listens for ever.
    pub async fn run(self) {
        // Events that come while nobody listens are asked for afterwards.
        let mut from = Timestamp::now();
        let mut pause = FIRST_PAUSE;
        loop {
            if self.listen(&mut from).await {
                pause = FIRST_PAUSE;
            }
            self.ring();
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    /// Listens until the engine ends it; whether it told anything.
    async fn listen(&self, from: &mut Timestamp) -> bool {
        let Ok(docker) = self.engine.docker().await else {
            return false;
        };
        let actions = history::ACTIONS.into_iter().chain(OTHERS);
        let options = EventsOptions {
            since: Some(nanos_text(*from)),
            until: None,
            filters: Some(HashMap::from([
                (
                    "type".to_owned(),
                    vec!["container".to_owned(), "network".to_owned()],
                ),
                ("event".to_owned(), actions.map(str::to_owned).collect()),
            ])),
        };
        let mut events = Box::pin(docker.events(Some(options)));
        let mut heard = false;
        while let Some(event) = events.next().await {
            match event {
                Ok(event) => {
                    heard = true;
                    self.note(&event, from);
                }
                Err(error) => {
                    tracing::debug!(%error, "the Docker engine tells no more events");
                    break;
                }
            }
        }
        heard
    }

    fn note(&self, event: &EventMessage, from: &mut Timestamp) {
        let at = event.time_nano.map(i128::from);
        if let Some(at) = at.and_then(|at| Timestamp::from_nanosecond(at).ok()) {
            *from = at.max(*from);
        }
        let actor = event.actor.as_ref();
        let is_network = event
            .action
            .as_deref()
            .is_some_and(|a| a.ends_with("connect"));
        let is_ours = actor.is_some_and(|a| labels::is_ours(a.attributes.as_ref(), &self.home));
        if is_ours && let Some(container) = actor.and_then(|actor| actor.id.as_deref()) {
            self.keep(container, event);
        }
        if is_ours || is_network {
            self.ring();
        }
    }

    fn keep(&self, container: &str, event: &EventMessage) {
        if event.action.as_deref() == Some("destroy") {
            self.history.forget(container);
        } else if let Some(fact) = Fact::of(event) {
            self.history.add(container, fact);
        }
    }

    fn ring(&self) {
        self.bell
            .send_modify(|rings| *rings = rings.wrapping_add(1));
    }
}
