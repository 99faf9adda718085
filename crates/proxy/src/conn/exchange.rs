//! One request on one connection to an instance: both directions at once, under one deadline.

use std::task::{Context, Poll};

use super::client::{Client, Transport};
use super::receive::{Errand, Receive, ReceiveError, Received};
use super::send::{Send, SendError};
use crate::fault::Fault;
use crate::upstream::UpstreamConn;

/// How an exchange ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// The whole answer was passed on.
    Whole,
    /// The connection is a tunnel from now on.
    Upgraded,
    /// Nothing final was sent to the client: it can be answered with this.
    Failed(Fault),
    /// The client has gone.
    ClientGone,
    /// The answer ended in the middle: only a close can tell the client.
    Cut(&'static str),
}

/// An exchange under way.
pub(super) struct Exchange<'a, S> {
    pub(super) errand: Errand<'a>,
    pub(super) client: &'a mut Client<S>,
    pub(super) upstream: &'a mut UpstreamConn,
    pub(super) send: Send,
    pub(super) receive: Receive,
}

impl<S: Transport> Exchange<'_, S> {
    /// Runs it to its end.
    pub(super) async fn run(&mut self) -> End {
        let mut watches_client = true;
        std::future::poll_fn(|cx| self.poll(&mut watches_client, cx)).await
    }

    fn poll(&mut self, watches_client: &mut bool, cx: &mut Context<'_>) -> Poll<End> {
        if !self.send.is_over() {
            let sent = self
                .send
                .poll(self.client, self.upstream, self.errand.worker, cx);
            if let Poll::Ready(Err(error)) = sent {
                return Poll::Ready(self.on_send_error(error));
            }
        }
        let is_sent = self.send.is_finished();
        let received = self
            .receive
            .poll(self.errand, is_sent, self.client, self.upstream, cx);
        match received {
            Poll::Ready(Ok(Received::Whole)) => return Poll::Ready(End::Whole),
            Poll::Ready(Ok(Received::Upgraded)) => return Poll::Ready(End::Upgraded),
            Poll::Ready(Err(error)) => return Poll::Ready(self.on_receive_error(error)),
            Poll::Pending => {}
        }
        if self.send.is_over() && *watches_client && self.poll_client_gone(watches_client, cx) {
            return Poll::Ready(End::ClientGone);
        }
        match self.client.timer.poll(cx) {
            Poll::Ready(()) => Poll::Ready(self.on_timeout()),
            Poll::Pending => Poll::Pending,
        }
    }

    /// Notices a client that leaves before its answer. What it sends early stays in the buffer.
    fn poll_client_gone(&mut self, watches_client: &mut bool, cx: &mut Context<'_>) -> bool {
        while self.client.io.poll_readable(cx).is_ready() {
            match self.client.poll_read(self.errand.worker, cx) {
                Poll::Ready(Ok(0)) if self.client.buf.has_room() => return true,
                Poll::Ready(Err(_)) => return true,
                Poll::Ready(Ok(_)) => {
                    *watches_client = false;
                    return false;
                }
                Poll::Pending => self.client.buf.release(&self.errand.worker.buffers),
            }
        }
        false
    }

    fn on_send_error(&self, error: SendError) -> End {
        match error {
            SendError::ClientGone => End::ClientGone,
            SendError::Fault(_) if self.receive.is_committed => End::Cut("bad-request"),
            SendError::Fault(fault) => End::Failed(fault),
        }
    }

    fn on_receive_error(&self, error: ReceiveError) -> End {
        match error {
            ReceiveError::ClientGone => End::ClientGone,
            ReceiveError::Fault(fault) => End::Failed(fault),
            ReceiveError::Cut => End::Cut("upstream-cut"),
        }
    }

    fn on_timeout(&self) -> End {
        if self.receive.waits_for_client() {
            End::Cut("client-stalled")
        } else if !self.receive.waits_for_head() {
            End::Cut("upstream-stalled")
        } else if !self.send.is_over() && self.send.waits_for_client() {
            End::Failed(Fault::BodyTimeout)
        } else {
            End::Failed(Fault::ResponseTimeout)
        }
    }
}
