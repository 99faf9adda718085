//! The WebSocket: tells the version on connecting, and again with an echo of every message.
//!
//! Says goodbye with 1001 when the process is told to stop. Owns one connection at a time.

use std::time::Duration;

use axum::extract::ws::{CloseFrame, Message, WebSocket, close_code};
use serde_json::json;
use tokio::sync::watch;

/// How long the other side may take to answer our goodbye.
const GOODBYE: Duration = Duration::from_secs(1);

/// Talks until either side closes.
pub async fn talk(mut socket: WebSocket, version: &str, mut stopping: watch::Receiver<bool>) {
    let greeting = json!({ "version": version }).to_string();
    if socket.send(Message::Text(greeting.into())).await.is_err() {
        return;
    }
    loop {
        let message = tokio::select! {
            // What was sent to us before we were told to stop gets its answer first.
            biased;
            message = socket.recv() => message,
            () = told_to_stop(&mut stopping) => return say_goodbye(socket).await,
        };
        let text = match message {
            Some(Ok(Message::Text(text))) => text,
            Some(Ok(Message::Close(_)) | Err(_)) | None => return,
            Some(Ok(_)) => continue,
        };
        let echo = json!({ "version": version, "echo": text.as_str() }).to_string();
        if socket.send(Message::Text(echo.into())).await.is_err() {
            return;
        }
    }
}

async fn told_to_stop(stopping: &mut watch::Receiver<bool>) {
    // An error means that the sender is gone, and with it the process.
    let _ = stopping.wait_for(|stop| *stop).await;
}

async fn say_goodbye(mut socket: WebSocket) {
    let goodbye = CloseFrame {
        code: close_code::AWAY,
        reason: "restarting".into(),
    };
    if socket.send(Message::Close(Some(goodbye))).await.is_err() {
        return;
    }
    let answered = async { while let Some(Ok(_)) = socket.recv().await {} };
    // A peer that does not answer keeps nobody from stopping.
    let _ = tokio::time::timeout(GOODBYE, answered).await;
}
