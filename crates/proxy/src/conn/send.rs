//! The request's way: its head and body, from the client to the instance, as they come.

use std::task::{Context, Poll, ready};

use super::client::{Client, Transport, poll_write_parts};
use crate::fault::Fault;
use crate::http1::{BodyKind, Decoder};
use crate::upstream::UpstreamConn;
use crate::worker::Worker;

/// A request on its way. Owns the bytes of its head, refers to the client's buffer for its body.
#[derive(Debug)]
pub(super) struct Send {
    head: Vec<u8>,
    body: Decoder,
    /// Bytes at the front of the client's buffer that were checked and may be written.
    pass: usize,
    /// Bytes behind those that are done with: trailers, rewritten into `tail`.
    skip: usize,
    tail: Vec<u8>,
    /// Of head, passed bytes and tail, in this order, so many bytes are written.
    written: usize,
    left_for_limit: u64,
    state: State,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Writing,
    Reading,
    Finished,
    /// The instance takes no more. It may have answered before.
    Refused,
}

/// Why a request cannot be sent whole.
#[derive(Debug, Clone, Copy)]
pub(super) enum SendError {
    /// The client broke a rule in its body.
    Fault(Fault),
    /// The client has gone.
    ClientGone,
}

impl Send {
    pub(super) fn new(head: Vec<u8>, body: BodyKind, limit: u64) -> Self {
        Self {
            head,
            body: Decoder::new(body),
            pass: 0,
            skip: 0,
            tail: Vec::new(),
            written: 0,
            left_for_limit: limit,
            state: State::Reading,
        }
    }

    /// Whether the whole request was sent.
    pub(super) fn is_finished(&self) -> bool {
        self.state == State::Finished
    }

    /// Whether there is nothing more to do.
    pub(super) fn is_over(&self) -> bool {
        matches!(self.state, State::Finished | State::Refused)
    }

    /// Whether it waits for the client, not for the instance.
    pub(super) fn waits_for_client(&self) -> bool {
        self.state == State::Reading
    }

    /// The head's memory, for reuse.
    pub(super) fn into_head(self) -> Vec<u8> {
        self.head
    }

    /// Sends as much as can be sent now. Tells `progress` when something moved.
    pub(super) fn poll<S: Transport>(
        &mut self,
        client: &mut Client<S>,
        upstream: &mut UpstreamConn,
        worker: &Worker,
        cx: &mut Context<'_>,
    ) -> Poll<Result<(), SendError>> {
        loop {
            match self.state {
                State::Finished | State::Refused => return Poll::Ready(Ok(())),
                State::Reading => ready!(self.poll_body(client, worker, cx))?,
                State::Writing => {
                    let body = &client.buf.data()[..self.pass];
                    let parts = [&self.head[..], body, &self.tail];
                    match ready!(poll_write_parts(&mut upstream.io, cx, &parts, self.written)) {
                        Ok(count) => self.wrote(count, client, worker),
                        Err(_) => self.state = State::Refused,
                    }
                }
            }
        }
    }

    /// Finds more of the body to write. The head waits for the body's first bytes only if they are there.
    fn poll_body<S: Transport>(
        &mut self,
        client: &mut Client<S>,
        worker: &Worker,
        cx: &mut Context<'_>,
    ) -> Poll<Result<(), SendError>> {
        let has_head = !self.head.is_empty();
        if !self.body.is_done() && client.buf.is_empty() && !has_head {
            match ready!(client.poll_read(worker, cx)) {
                Ok(1..) => client.timer.set(worker.shared.limits.client_idle),
                Ok(0) | Err(_) => return Poll::Ready(Err(SendError::ClientGone)),
            }
        }
        let advance = self.body.advance(client.buf.data());
        let advance = advance.map_err(|reject| SendError::Fault(Fault::Malformed(reject)))?;
        self.pass = advance.pass;
        self.skip = advance.consumed - advance.pass;
        let left = self.left_for_limit.checked_sub(self.pass as u64);
        self.left_for_limit = left.ok_or(SendError::Fault(Fault::Malformed(
            crate::http1::Reject::BodyTooLarge,
        )))?;
        if self.body.is_done() {
            self.tail = self.body.trailer_section();
        }
        self.state = State::Writing;
        if self.unwritten() == 0 {
            self.wrote(0, client, worker);
        }
        Poll::Ready(Ok(()))
    }

    fn unwritten(&self) -> usize {
        self.head.len() + self.pass + self.tail.len() - self.written
    }

    fn wrote<S: Transport>(&mut self, count: usize, client: &mut Client<S>, worker: &Worker) {
        self.written += count;
        if self.unwritten() > 0 {
            return;
        }
        client.buf.consume(self.pass + self.skip);
        self.pass = 0;
        self.skip = 0;
        self.written = 0;
        self.head.clear();
        self.tail.clear();
        self.state = if self.body.is_done() {
            client.timer.set(worker.shared.limits.response_head);
            State::Finished
        } else {
            client.timer.set(worker.shared.limits.client_idle);
            State::Reading
        };
        client.buf.release(&worker.buffers);
    }
}
