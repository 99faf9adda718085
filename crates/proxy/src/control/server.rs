//! HTTP on the control socket.

use std::convert::Infallible;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use landfall_model::snapshot::{SNAPSHOT_FORMAT, Snapshot};
use serde::Serialize;
use tokio::net::{UnixListener, UnixStream};

use super::apply::{ApplyError, Control, is_too_new};
use super::handover::hand_over;
use super::message::PROTOCOL;

/// Longest snapshot.
const MAX_BODY: usize = 64 << 20;

/// The control socket, at its own path until it is put in place.
#[derive(Debug)]
pub(crate) struct ControlSocket {
    listener: UnixListener,
    temporary: PathBuf,
}

impl ControlSocket {
    /// Listens beside `path`, only for this user.
    pub(crate) fn bind(path: &Path) -> io::Result<Self> {
        // Shorter than the usual name: the kernel limits these paths to 107 bytes.
        let temporary = path.with_file_name(format!(".p{}", std::process::id()));
        let _ = std::fs::remove_file(&temporary);
        let listener = UnixListener::bind(&temporary)?;
        std::fs::set_permissions(&temporary, std::fs::Permissions::from_mode(0o600))?;
        Ok(Self {
            listener,
            temporary,
        })
    }

    /// Takes the place of whatever is at `path`.
    pub(crate) fn put_in_place(&self, path: &Path) -> io::Result<()> {
        std::fs::rename(&self.temporary, path)
    }
}

impl Drop for ControlSocket {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.temporary);
    }
}

/// Serves the control socket until this process has handed over.
pub(crate) async fn serve_control(control: Rc<Control>, socket: ControlSocket) {
    let mut handed_over = control.handed_over.subscribe();
    loop {
        let accepted = tokio::select! {
            _ = handed_over.wait_for(|done| *done) => return,
            accepted = socket.listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, _)) => {
                let control = control.clone();
                tokio::task::spawn_local(serve_connection(control, stream));
            }
            Err(error) => {
                tracing::warn!(%error, "cannot accept on the control socket");
                tokio::time::sleep(std::time::Duration::from_millis(100)).await;
            }
        }
    }
}

async fn serve_connection(control: Rc<Control>, stream: UnixStream) {
    let service = service_fn(move |request| {
        let control = control.clone();
        async move { Ok::<_, Infallible>(answer(control, request).await) }
    });
    let served = hyper::server::conn::http1::Builder::new()
        .serve_connection(TokioIo::new(stream), service)
        .with_upgrades()
        .await;
    if let Err(error) = served {
        tracing::debug!(%error, "a control connection failed");
    }
}

async fn answer(control: Rc<Control>, request: Request<Incoming>) -> Response<Full<Bytes>> {
    if control.is_handed_over() {
        let mut response = failure(StatusCode::SERVICE_UNAVAILABLE, &ApplyError::HandedOver);
        let close = hyper::header::HeaderValue::from_static("close");
        response.headers_mut().insert("connection", close);
        return response;
    }
    match (request.method(), request.uri().path()) {
        (&Method::GET, "/status") => json(StatusCode::OK, &control.status().await),
        (&Method::GET, "/counters") => json(StatusCode::OK, &control.shared.counters()),
        (&Method::PUT, "/snapshot") => put_snapshot(&control, request).await,
        (&Method::POST, "/takeover") => take_over(control, request),
        _ => failure(StatusCode::NOT_FOUND, &"no such operation"),
    }
}

async fn put_snapshot(control: &Control, request: Request<Incoming>) -> Response<Full<Bytes>> {
    let body = match Limited::new(request.into_body(), MAX_BODY).collect().await {
        Ok(body) => body.to_bytes(),
        Err(error) => return failure(StatusCode::BAD_REQUEST, &error),
    };
    let snapshot = match read_snapshot(&body) {
        Ok(snapshot) => snapshot,
        Err(reason) => return failure(StatusCode::UNPROCESSABLE_ENTITY, &reason),
    };
    match control.apply(snapshot).await {
        Ok(ack) => json(StatusCode::OK, &ack),
        Err(error) => {
            let status = match error {
                ApplyError::Older { .. } | ApplyError::Conflict(_) => StatusCode::CONFLICT,
                ApplyError::HandedOver => StatusCode::SERVICE_UNAVAILABLE,
                ApplyError::Store(_) => StatusCode::INTERNAL_SERVER_ERROR,
            };
            let reason = std::error::Error::source(&error).map(ToString::to_string);
            failure(
                status,
                &[error.to_string()]
                    .into_iter()
                    .chain(reason)
                    .collect::<Vec<_>>()
                    .join(": "),
            )
        }
    }
}

/// Looks at the format first: a newer one may not parse at all, and must not be guessed at.
fn read_snapshot(body: &[u8]) -> Result<Snapshot, String> {
    let value: serde_json::Value = serde_json::from_slice(body)
        .map_err(|error| format!("the snapshot is not json: {error}"))?;
    match value["format"].as_u64() {
        Some(format) if is_too_new(format) => Err(format!(
            "the snapshot has format {format}, and this proxy reads up to {SNAPSHOT_FORMAT}"
        )),
        _ => serde_json::from_value(value)
            .map_err(|error| format!("the snapshot is malformed: {error}")),
    }
}

fn take_over(control: Rc<Control>, mut request: Request<Incoming>) -> Response<Full<Bytes>> {
    let asked = request.headers().get(hyper::header::UPGRADE);
    if asked.is_none_or(|protocol| protocol != PROTOCOL) {
        return failure(StatusCode::UPGRADE_REQUIRED, &"unknown take-over protocol");
    }
    let upgrade = hyper::upgrade::on(&mut request);
    tokio::task::spawn_local(async move {
        let Ok(upgraded) = upgrade.await else { return };
        if let Ok(parts) = upgraded.downcast::<TokioIo<UnixStream>>() {
            hand_over(control, parts.io.into_inner()).await;
        }
    });
    let mut response = Response::new(Full::default());
    *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    let headers = response.headers_mut();
    let value = hyper::header::HeaderValue::from_static;
    headers.insert("connection", value("upgrade"));
    headers.insert("upgrade", value(PROTOCOL));
    response
}

fn json(status: StatusCode, body: &impl Serialize) -> Response<Full<Bytes>> {
    let body = serde_json::to_vec(body).unwrap_or_default();
    let mut response = Response::new(Full::from(body));
    *response.status_mut() = status;
    let json = hyper::header::HeaderValue::from_static("application/json");
    response.headers_mut().insert("content-type", json);
    response
}

fn failure(status: StatusCode, reason: &impl ToString) -> Response<Full<Bytes>> {
    json(status, &serde_json::json!({ "error": reason.to_string() }))
}
