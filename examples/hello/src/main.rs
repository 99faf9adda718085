//! A small web app to deploy: it tells its version everywhere, stops gracefully, and can be told by
//! `hello.json` to be a bad release of a chosen kind.
//!
//! Listens on `HOST`:`PORT`. This file owns start and stop; what is answered is in `routes`.

#![allow(
    clippy::print_stderr,
    reason = "an example app logs to its standard error, as apps do"
)]

mod routes;
mod settings;
mod websocket;

use std::net::{IpAddr, SocketAddr};
use std::process::ExitCode;

use settings::{Behaviour, Settings};
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{mpsc, watch};

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let settings = match Settings::read() {
        Ok(settings) => settings,
        Err(message) => return fail(&message),
    };
    eprintln!("hello {} starting", settings.version);
    match settings.behaviour {
        Behaviour::ExitsAtOnce => require_database_url(),
        Behaviour::NeverListens => std::future::pending().await,
        Behaviour::SlowStart => tokio::time::sleep(settings.delay()).await,
        _ => {}
    }
    match run(settings).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => fail(&message),
    }
}

fn fail(message: &str) -> ExitCode {
    eprintln!("hello: {message}");
    ExitCode::FAILURE
}

/// Dies as programs do that were not given all they need.
fn require_database_url() {
    std::env::var("HELLO_DATABASE_URL")
        .expect("environment variable HELLO_DATABASE_URL is missing");
}

async fn run(settings: Settings) -> Result<(), String> {
    let (stop, stopping) = watch::channel(false);
    // Dropped with the last WebSocket: by then all have said goodbye.
    let (open, mut all_closed) = mpsc::channel::<()>(1);

    // Before it can be known that we run: a signal that comes while handlers are put in place for
    // the first time is lost.
    let mut terminate = signal(SignalKind::terminate())
        .map_err(|error| format!("failed to listen for SIGTERM: {error}"))?;
    let listener = listen(&settings).await?;
    let behaviour = settings.behaviour;
    let exit_after = (behaviour == Behaviour::ExitsAfter).then(|| settings.delay());
    let app = routes::router(settings, stopping.clone(), open);

    let ignores = behaviour == Behaviour::IgnoresSigterm;
    let told_to_stop = async move {
        loop {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = tokio::signal::ctrl_c() => {}
            }
            if !ignores {
                break;
            }
            eprintln!("hello: told to stop, not now");
        }
        eprintln!("hello: stopping");
        stop.send_replace(true);
    };

    let serve = axum::serve(listener, app).with_graceful_shutdown(told_to_stop);
    match exit_after {
        Some(delay) => tokio::select! {
            served = serve => served.map_err(|error| format!("failed to serve: {error}"))?,
            () = tokio::time::sleep(delay) => return Err("lost connection to the database".into()),
        },
        None => serve
            .await
            .map_err(|error| format!("failed to serve: {error}"))?,
    }
    // Upgraded connections are not part of the server's own graceful shutdown.
    all_closed.recv().await;
    eprintln!("hello: stopped");
    Ok(())
}

async fn listen(settings: &Settings) -> Result<TcpListener, String> {
    let host = std::env::var("HOST").unwrap_or_else(|_| "127.0.0.1".into());
    let port = std::env::var("PORT").unwrap_or_else(|_| "3000".into());
    let host: IpAddr = host
        .parse()
        .map_err(|error| format!("HOST is not an IP address: {error}"))?;
    let port: u16 = match settings.behaviour {
        Behaviour::WrongPort => 0,
        _ => port
            .parse()
            .map_err(|error| format!("PORT is not a port: {error}"))?,
    };
    let address = SocketAddr::new(host, port);
    let listener = TcpListener::bind(address)
        .await
        .map_err(|error| format!("failed to listen on {address}: {error}"))?;
    let address = listener.local_addr().unwrap_or(address);
    eprintln!("hello {} listening on http://{address}", settings.version);
    Ok(listener)
}
