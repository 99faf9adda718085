//! The predecessor's side of a take-over.

use std::io;
use std::rc::Rc;
use std::time::Duration;

use tokio::net::UnixStream;
use tokio::time::timeout;

use super::apply::{Control, State};
use super::message::{Message, receive, send, send_sockets};
use crate::routing::Phase;

/// How long a successor may take from the sockets to serving.
const READY_WITHIN: Duration = Duration::from_secs(30);

/// Hands over to the process behind `stream`, then does what it asks until this process ends. When
/// the successor fails before it serves, this process goes on as if nothing had been.
pub(super) async fn hand_over(control: Rc<Control>, mut stream: UnixStream) {
    let mut state = control.state.lock().await;
    if control.is_handed_over() {
        return;
    }
    let ready = timeout(READY_WITHIN, offer(&state, &mut stream)).await;
    match ready.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into())) {
        Ok(()) => {}
        Err(error) => {
            return tracing::error!(%error, "a successor did not take over; serving on");
        }
    }
    control.shared.set_phase(Phase::LameDuck);
    state.listeners.close_all().await;
    control.handed_over.send_replace(true);
    drop(state);
    tracing::info!("a successor serves; finishing what is under way");
    if send(&mut stream, &Message::Released).await.is_ok() {
        serve_successor(&control, &mut stream).await;
    }
}

async fn offer(state: &State, stream: &mut UnixStream) -> io::Result<()> {
    let (keys, fds): (Vec<_>, Vec<_>) = state.listeners.all().into_iter().unzip();
    send(stream, &Message::Sockets(keys)).await?;
    send_sockets(stream, &fds).await?;
    match receive(stream).await? {
        Message::Ready => Ok(()),
        _ => Err(io::Error::other("unexpected message from the successor")),
    }
}

async fn serve_successor(control: &Control, stream: &mut UnixStream) {
    while let Ok(message) = receive(stream).await {
        let answer = match message {
            Message::Snapshot(snapshot) => {
                control.pass_on(*snapshot).await;
                Message::InForce
            }
            Message::GetStatus => Message::Status(Box::new(control.status().await)),
            _ => return,
        };
        if send(stream, &answer).await.is_err() {
            return;
        }
    }
}
