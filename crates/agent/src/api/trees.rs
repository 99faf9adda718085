//! Trees that are built elsewhere and brought here: offered, sent as what is missing, and finished.
//!
//! Each call stands for itself; what has come whole stays, so a transfer that was cut goes on where
//! it was.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use axum::body::{Body, Bytes};
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::{Extension, Json};
use futures_util::TryStreamExt;
use landfall_content::transfer::{OFFER_KEPT, TransferError, TreeWants};
use landfall_content::{ContentStore, Hold};
use landfall_model::{AppName, Cause, Digest, EnvironmentName};
use landfall_store::EnvironmentKey;
use serde::Deserialize;
use tokio_util::io::{StreamReader, SyncIoBridge};

use super::error::Failed;
use super::types::ApiError;
use super::{Api, Scope};
use crate::sources;
use crate::world::chain;

/// Trees that have come and that no release names yet; kept as long as offers are.
#[derive(Clone, Default)]
pub struct Arrived(Arc<Mutex<HashMap<Digest, (Hold, Instant)>>>);

impl Arrived {
    fn keep(&self, tree: Digest, hold: Hold) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.retain(|_, (_, since)| since.elapsed() < OFFER_KEPT);
        kept.insert(tree, (hold, Instant::now()));
    }
}

/// Query of [`offer`].
#[derive(Deserialize)]
pub struct OfferQuery {
    /// Trees that may be earlier versions of it, the likeliest first, with commas between them.
    #[serde(default)]
    bases: String,
    /// Of whose source it is, where it is a source tree.
    app: Option<AppName>,
    environment: Option<EnvironmentName>,
}

/// What is missing of a tree. The body is its index.
///
/// # Errors
/// When it is no index of this tree, or what is missing does not fit on the disk.
#[utoipa::path(
    post, path = "/v1/trees/{digest}/offer",
    params(("digest" = String, Path), ("bases" = Option<String>, Query),
        ("app" = Option<String>, Query), ("environment" = Option<String>, Query)),
    request_body(content = Vec<u8>, content_type = "application/octet-stream"),
    responses((status = 200, body = Object), (status = 409, body = ApiError))
)]
pub async fn offer(
    State(api): State<Api>,
    Path(digest): Path<Digest>,
    Query(query): Query<OfferQuery>,
    limit: Option<Extension<Scope>>,
    index: Bytes,
) -> Result<Json<TreeWants>, Failed> {
    let bases = query.bases.split(',').filter_map(|base| base.parse().ok());
    let mut bases: Vec<Digest> = bases.collect();
    if let (Some(app), Some(environment)) = (query.app, query.environment) {
        let key = EnvironmentKey { app, environment };
        // Who is limited to an environment is told of no other one's.
        if limit.is_none_or(|Extension(scope)| scope.key == key) {
            bases.extend(sources::laid_out(&api.world, &key));
        }
    }
    let wants = on_a_thread(api.content, move |content| {
        let wants = content.offer_tree(&digest, &mut &index[..], &bases)?;
        content.check_room(&wants)?;
        Ok(wants)
    });
    Ok(Json(wants.await?))
}

/// Takes what is missing of a tree that was offered. What comes whole is kept even when the rest
/// does not come.
///
/// # Errors
/// When something else comes than what was offered, or the disk is full.
#[utoipa::path(
    post, path = "/v1/trees/{digest}/content", params(("digest" = String, Path)),
    request_body(content = Vec<u8>, content_type = "application/octet-stream"),
    responses((status = 204), (status = 409, body = ApiError))
)]
pub async fn content(
    State(api): State<Api>,
    Path(digest): Path<Digest>,
    body: Body,
) -> Result<StatusCode, Failed> {
    let stream = body.into_data_stream().map_err(std::io::Error::other);
    let mut input = SyncIoBridge::new(StreamReader::new(stream));
    on_a_thread(api.content, move |content| {
        content.receive_blobs(&digest, &mut input)
    })
    .await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Makes a tree one that can be deployed, when all of it has come.
///
/// # Errors
/// When something is missing.
#[utoipa::path(
    post, path = "/v1/trees/{digest}/finish", params(("digest" = String, Path)),
    responses((status = 204), (status = 409, body = ApiError))
)]
pub async fn finish(
    State(api): State<Api>,
    Path(digest): Path<Digest>,
) -> Result<StatusCode, Failed> {
    let finished = on_a_thread(api.content, move |content| content.finish_tree(&digest)).await?;
    api.arrived.keep(digest, finished.hold);
    Ok(StatusCode::NO_CONTENT)
}

async fn on_a_thread<T: Send + 'static>(
    content: ContentStore,
    work: impl FnOnce(&ContentStore) -> Result<T, TransferError> + Send + 'static,
) -> Result<T, Failed> {
    let done = tokio::task::spawn_blocking(move || work(&content)).await;
    let done =
        done.map_err(|error| Cause::new(landfall_model::CauseKind::Internal, error.to_string()))?;
    done.map_err(|error| refused(&error))
}

fn refused(error: &TransferError) -> Failed {
    let message = chain(error);
    match error {
        TransferError::NoBaseTree(_) => Failed::conflict("no-base", message),
        TransferError::NotOffered(_) | TransferError::NoBase { .. } | TransferError::Gap { .. } => {
            Failed::conflict("offer-again", message)
        }
        TransferError::NoRoom(_) => Failed::conflict("refused", message),
        error if error.is_disk_full() => Failed::conflict("refused", message),
        TransferError::Store(_) => {
            tracing::error!(%message, "a transfer failed");
            Failed::internal(message)
        }
        _ => Failed::invalid(message),
    }
}
