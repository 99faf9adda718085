//! What is answered.
//!
//! Owns the request counters; must not know about start and stop beyond passing them on to the
//! WebSocket handler.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::ws::WebSocketUpgrade;
use axum::extract::{DefaultBodyLimit, Query, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::map_response;
use axum::response::{Html, IntoResponse, Response};
use axum::routing::{any, get, post};
use serde::Deserialize;
use tokio::sync::{mpsc, watch};

use crate::settings::{Behaviour, FIRST_GOOD, Settings};
use crate::websocket;

const PAGE: &str = include_str!("page.html");

/// What the handlers share.
pub struct App {
    /// What this copy is.
    pub settings: Settings,
    /// Becomes true when the process is told to stop.
    pub stopping: watch::Receiver<bool>,
    worked: AtomicU64,
    /// Dropped with the last handler that holds this, open WebSockets included.
    _open: mpsc::Sender<()>,
}

/// Parameters of the endpoints that take their time.
#[derive(Deserialize)]
struct Pace {
    ms: Option<u64>,
    chunks: Option<u64>,
}

/// Every route of the app. `open` lives as long as the router and every WebSocket.
pub fn router(
    settings: Settings,
    stopping: watch::Receiver<bool>,
    open: mpsc::Sender<()>,
) -> Router {
    // A version that no header can carry is left out rather than fatal.
    let version = HeaderValue::from_str(&settings.version).ok();
    let app = Arc::new(App {
        settings,
        stopping,
        worked: AtomicU64::new(0),
        _open: open,
    });
    Router::new()
        .route("/", get(page))
        .route("/work", get(work))
        .route("/version", get(current_version))
        .route("/health", get(health))
        .route("/slow", get(slow))
        .route("/stream", get(stream))
        .route("/upload", post(upload))
        .route("/ws", any(upgrade))
        .route("/orders", get(orders))
        .route("/auth/login", get(login))
        .layer(DefaultBodyLimit::disable())
        .layer(map_response(move |mut response: Response| {
            if let Some(version) = version.clone() {
                response.headers_mut().insert("x-version", version);
            }
            std::future::ready(response)
        }))
        .with_state(app)
}

impl App {
    /// Whether this request is one of those that a release of this kind gets wrong.
    fn errs(&self) -> bool {
        if self.settings.behaviour != Behaviour::ErrsUnderTraffic {
            return false;
        }
        let nth = self.worked.fetch_add(1, Ordering::Relaxed);
        nth >= FIRST_GOOD && nth % 5 < 2
    }
}

fn broken() -> Response {
    let text = "cannot read property 'total' of undefined\n";
    (StatusCode::INTERNAL_SERVER_ERROR, text).into_response()
}

async fn page(State(app): State<Arc<App>>) -> Response {
    if app.errs() {
        return broken();
    }
    let html = PAGE.replace("{{version}}", &escape(&app.settings.version));
    ([(header::CACHE_CONTROL, "no-cache")], Html(html)).into_response()
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('"', "&quot;")
}

async fn work(State(app): State<Arc<App>>) -> Response {
    if app.errs() {
        return broken();
    }
    "done\n".into_response()
}

async fn current_version(State(app): State<Arc<App>>) -> String {
    app.settings.version.clone()
}

async fn health(State(app): State<Arc<App>>) -> Response {
    match app.settings.behaviour {
        Behaviour::Unhealthy => {
            (StatusCode::INTERNAL_SERVER_ERROR, "database: unreachable\n").into_response()
        }
        _ => "ok\n".into_response(),
    }
}

async fn slow(Query(pace): Query<Pace>) -> &'static str {
    tokio::time::sleep(Duration::from_millis(pace.ms.unwrap_or(2_000))).await;
    "done, slowly\n"
}

/// `chunks` numbered lines, one every `ms`, in a body without a length.
async fn stream(State(app): State<Arc<App>>, Query(pace): Query<Pace>) -> Body {
    let chunks = pace.chunks.unwrap_or(10);
    let pause = Duration::from_millis(pace.ms.unwrap_or(100));
    Body::from_stream(futures_util::stream::unfold(0, move |nth| {
        let line = format!("{nth} {}\n", app.settings.version);
        async move {
            if nth == chunks {
                return None;
            }
            tokio::time::sleep(pause).await;
            Some((Ok::<_, Infallible>(Bytes::from(line)), nth + 1))
        }
    }))
}

async fn upload(body: Bytes) -> String {
    format!("{}\n", body.len())
}

async fn upgrade(State(app): State<Arc<App>>, upgrade: WebSocketUpgrade) -> Response {
    upgrade.on_upgrade(move |socket| async move {
        websocket::talk(socket, &app.settings.version, app.stopping.clone()).await;
    })
}

async fn orders(State(app): State<Arc<App>>) -> Response {
    match app.settings.behaviour {
        Behaviour::WrongSmoke => "orders of everyone\n".into_response(),
        _ => {
            let to_login = [(header::LOCATION, "/auth/login")];
            (StatusCode::TEMPORARY_REDIRECT, to_login).into_response()
        }
    }
}

async fn login() -> &'static str {
    "log in here\n"
}
