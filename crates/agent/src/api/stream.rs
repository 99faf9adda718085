//! Events of a deployment as server-sent events: numbered, re-readable from any number on, ending
//! with the deployment.

use std::convert::Infallible;

use axum::extract::{Path, Query, State};
use axum::response::sse::{Event as Sse, KeepAlive, KeepAliveStream, Sse as SseResponse};
use axum::response::{IntoResponse, Response};
use futures_util::{Stream, StreamExt};
use landfall_model::DeploymentId;
use landfall_model::event::Event;
use landfall_store::EventRow;
use serde::Deserialize;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;

use super::Api;
use super::error::Failed;
use super::types::{ApiError, EventView};

/// Events that wait to be sent; a slow reader is waited for, and reads on from the store.
const BUFFER: usize = 64;

/// Query of [`events`].
#[derive(Deserialize)]
pub struct EventsQuery {
    #[serde(default)]
    after: u64,
}

type Events = SseResponse<KeepAliveStream<ReceiverStream<Result<Sse, Infallible>>>>;

/// Events with numbers above `after`, then every further one until the deployment ends.
///
/// # Errors
/// When there is no deployment with this id.
#[utoipa::path(
    get, path = "/v1/deployments/{id}/events",
    params(("id" = u64, Path), ("after" = Option<u64>, Query, description = "last number known")),
    responses(
        (status = 200, content_type = "text/event-stream", body = EventView),
        (status = 404, body = ApiError)
    )
)]
pub async fn events(
    State(api): State<Api>,
    Path(id): Path<u64>,
    Query(query): Query<EventsQuery>,
) -> Result<Events, Failed> {
    let id = DeploymentId(id);
    api.world.store.deployment(id)?;
    let (sender, receiver) = mpsc::channel(BUFFER);
    tokio::spawn(send_events(api, id, query.after, sender));
    Ok(SseResponse::new(ReceiverStream::new(receiver)).keep_alive(KeepAlive::default()))
}

async fn send_events(
    api: Api,
    id: DeploymentId,
    mut after: u64,
    sender: mpsc::Sender<Result<Sse, Infallible>>,
) {
    let mut bell = api.world.events.bell();
    loop {
        bell.borrow_and_update();
        let ended = has_ended(&api, id);
        let rows = match api.world.store.events(id, after) {
            Ok(rows) => rows,
            Err(error) => return tracing::error!(?error, "failed to read events"),
        };
        if rows.is_empty() {
            if ended {
                return;
            }
            tokio::select! {
                rung = bell.changed() => if rung.is_err() { return },
                () = sender.closed() => return,
                () = api.stop.cancelled() => return,
            }
            continue;
        }
        for row in rows {
            after = row.number;
            let is_last = matches!(row.event, Event::Finished { .. });
            if sender.send(Ok(sse(row))).await.is_err() || is_last {
                return;
            }
        }
    }
}

/// Whether a deployment ended a while ago: its last event is there, and was read before.
fn has_ended(api: &Api, id: DeploymentId) -> bool {
    api.world.store.deployment(id).is_ok_and(|row| {
        row.ended_at.is_some_and(|ended| {
            api.world.now().duration_since(ended) > jiff::SignedDuration::from_secs(1)
        })
    })
}

fn sse(row: EventRow) -> Sse {
    let view = EventView {
        number: row.number,
        deployment: row.deployment,
        at: row.at,
        event: row.event,
    };
    let data = serde_json::to_string(&view).unwrap_or_default();
    Sse::default().id(view.number.to_string()).data(data)
}

/// Lines of JSON as a response body.
pub(super) fn ndjson<T: serde::Serialize + Send + 'static>(
    items: impl Stream<Item = T> + Send + 'static,
) -> Response {
    let lines = items.map(|item| {
        let mut line = serde_json::to_vec(&item).unwrap_or_default();
        line.push(b'\n');
        Ok::<_, Infallible>(bytes::Bytes::from(line))
    });
    let kind = [(axum::http::header::CONTENT_TYPE, "application/x-ndjson")];
    (kind, axum::body::Body::from_stream(lines)).into_response()
}
