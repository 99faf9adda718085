//! The answer's way: its head and body, from the instance to the client, as they come.

use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use super::answer::count_answer;
use super::buf::LARGE;
use super::client::{Client, Transport, poll_write_parts};
use super::request::Request;
use super::response_head::{Plan, write_interim_head, write_response_head, write_stamp};
use crate::fault::Fault;
use crate::http1::{Decoder, HeadScanner, Known, Piece, ResponseHead, Version};
use crate::routing::{Phase, RouteEntry, TargetEntry};
use crate::upstream::UpstreamConn;
use crate::worker::Worker;

/// Interim answers that are passed on before one must be final.
const MAX_INTERIM: u32 = 64;

/// What a request is and where it goes, for as long as it is answered.
#[derive(Debug, Clone, Copy)]
pub(super) struct Errand<'a> {
    pub(super) worker: &'a Worker,
    pub(super) request: &'a Request,
    pub(super) route: &'a RouteEntry,
    pub(super) target: &'a TargetEntry,
}

/// An answer on its way.
#[derive(Debug)]
pub(super) struct Receive {
    state: State,
    scanner: HeadScanner,
    interim: u32,
    out: Vec<u8>,
    pass: usize,
    skip: usize,
    tail: Vec<u8>,
    written: usize,
    body: Decoder,
    is_unchunked: bool,
    /// Whether a byte of an answer came.
    pub(super) has_begun: bool,
    /// Whether a byte of a final answer may have reached the client.
    pub(super) is_committed: bool,
    /// The status, once the head has come.
    pub(super) status: u16,
    /// Bytes written to the client.
    pub(super) bytes: u64,
    /// When the head had come.
    pub(super) head_at: Option<Instant>,
    /// The client may use its connection again.
    pub(super) keeps_client: bool,
    /// The instance will take another request.
    pub(super) keeps_upstream: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Head,
    Body,
    Upgraded,
}

/// Why an answer ended early.
#[derive(Debug, Clone, Copy)]
pub(super) enum ReceiveError {
    /// Nothing final was sent to the client.
    Fault(Fault),
    /// The client has gone.
    ClientGone,
    /// The instance stopped in the middle.
    Cut,
}

/// How an answer ended well.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Received {
    Whole,
    Upgraded,
}

impl Receive {
    pub(super) fn new(out: Vec<u8>) -> Self {
        Self {
            state: State::Head,
            scanner: HeadScanner::default(),
            interim: 0,
            out,
            pass: 0,
            skip: 0,
            tail: Vec::new(),
            written: 0,
            body: Decoder::new(crate::http1::BodyKind::Empty),
            is_unchunked: false,
            has_begun: false,
            is_committed: false,
            status: 0,
            bytes: 0,
            head_at: None,
            keeps_client: false,
            keeps_upstream: false,
        }
    }

    /// Whether the head of the final answer has not come.
    pub(super) fn waits_for_head(&self) -> bool {
        self.state == State::Head
    }

    /// Whether the client does not take what is there.
    pub(super) fn waits_for_client(&self) -> bool {
        self.unwritten() > 0
    }

    /// The memory, for reuse.
    pub(super) fn into_out(self) -> Vec<u8> {
        self.out
    }

    /// Passes on as much as can be passed on now.
    pub(super) fn poll<S: Transport>(
        &mut self,
        errand: Errand<'_>,
        is_sent: bool,
        client: &mut Client<S>,
        upstream: &mut UpstreamConn,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Received, ReceiveError>> {
        loop {
            ready!(self.poll_write(errand, client, upstream, cx))?;
            match self.state {
                State::Upgraded => return Poll::Ready(Ok(Received::Upgraded)),
                State::Body if self.body.is_done() => {
                    self.keeps_upstream &= upstream.buf.is_empty();
                    return Poll::Ready(Ok(Received::Whole));
                }
                State::Body => ready!(self.poll_body(errand, client, upstream, cx))?,
                State::Head => ready!(self.poll_head(errand, is_sent, client, upstream, cx))?,
            }
        }
    }

    fn poll_head<S: Transport>(
        &mut self,
        errand: Errand<'_>,
        is_sent: bool,
        client: &mut Client<S>,
        upstream: &mut UpstreamConn,
        cx: &mut Context<'_>,
    ) -> Poll<Result<(), ReceiveError>> {
        let bad = ReceiveError::Fault(Fault::BadResponse);
        if !upstream.buf.is_empty() {
            self.has_begun = true;
            let limits = errand.worker.shared.limits.head;
            let found = self.scanner.scan(upstream.buf.data(), limits);
            if let Some(length) = found.map_err(|_| bad)? {
                return Poll::Ready(self.on_head(length, errand, is_sent, client, upstream));
            }
        }
        match ready!(poll_fill(upstream, errand.worker, cx)) {
            Ok(1..) => Poll::Ready(Ok(())),
            Ok(0) | Err(_) if self.has_begun => Poll::Ready(Err(bad)),
            Ok(0) | Err(_) => Poll::Ready(Err(ReceiveError::Fault(Fault::Reset))),
        }
    }

    fn on_head<S: Transport>(
        &mut self,
        length: usize,
        errand: Errand<'_>,
        is_sent: bool,
        client: &mut Client<S>,
        upstream: &mut UpstreamConn,
    ) -> Result<(), ReceiveError> {
        let worker = errand.worker;
        let raw = &upstream.buf.data()[..length];
        let response = ResponseHead::parse(raw, worker.fields.take())
            .map_err(|_| ReceiveError::Fault(Fault::BadResponse))?;
        self.scanner = HeadScanner::default();
        match response.status {
            101 if errand.request.is_upgrade => self.state = State::Upgraded,
            100 | 102..=199 if self.interim < MAX_INTERIM => {
                self.interim += 1;
                if errand.request.head.version == Version::Http11 {
                    write_interim_head(&mut self.out, raw, &response);
                }
                worker.fields.replace(response.fields);
                upstream.buf.consume(length);
                return Ok(());
            }
            100..=199 => return Err(ReceiveError::Fault(Fault::BadResponse)),
            _ => self.state = State::Body,
        }
        upstream.kept_for = kept_for(raw, &response);
        let now = Instant::now();
        self.head_at = Some(now);
        self.status = response.status;
        let counters = errand.target.counters.as_ref();
        count_answer(worker, errand.request, counters, response.status, now);
        let may_keep_alive = is_sent
            && errand.request.head.is_keep_alive()
            && worker.shared.phase() == Phase::Serving;
        let plan = Plan::new(errand.request, &response, may_keep_alive);
        write_response_head(&mut self.out, raw, &response, errand.request, plan);
        if errand.request.is_stamped() {
            write_stamp(&mut self.out, errand.route, Some(errand.target));
        }
        self.out.extend_from_slice(b"\r\n");
        self.is_committed = true;
        self.is_unchunked = plan.is_unchunked;
        self.keeps_client = plan.keep_alive;
        self.keeps_upstream = is_sent && response.is_keep_alive_with(plan.body);
        self.body = Decoder::new(plan.body);
        worker.fields.replace(response.fields);
        upstream.buf.consume(length);
        client.timer.set(worker.shared.limits.upstream_idle);
        if self.state == State::Body {
            self.take_body(upstream)?;
        }
        Ok(())
    }

    fn poll_body<S: Transport>(
        &mut self,
        errand: Errand<'_>,
        client: &mut Client<S>,
        upstream: &mut UpstreamConn,
        cx: &mut Context<'_>,
    ) -> Poll<Result<(), ReceiveError>> {
        if upstream.buf.is_empty() {
            match ready!(poll_fill(upstream, errand.worker, cx)) {
                Ok(1..) => client.timer.set(errand.worker.shared.limits.upstream_idle),
                Ok(0) if self.body.ends_with_stream() => {
                    self.body = Decoder::new(crate::http1::BodyKind::Empty);
                    return Poll::Ready(Ok(()));
                }
                Ok(0) | Err(_) => return Poll::Ready(Err(ReceiveError::Cut)),
            }
        }
        Poll::Ready(self.take_body(upstream))
    }

    /// Decides which bytes of the upstream's buffer are written next.
    fn take_body(&mut self, upstream: &mut UpstreamConn) -> Result<(), ReceiveError> {
        let data = upstream.buf.data();
        if !self.is_unchunked {
            let advance = self.body.advance(data).map_err(|_| ReceiveError::Cut)?;
            self.pass = advance.pass;
            self.skip = advance.consumed - advance.pass;
            if self.body.is_done() {
                self.tail = self.body.trailer_section();
            }
            return Ok(());
        }
        let mut skipped = 0;
        while let Some(piece) = self
            .body
            .next(&data[skipped..])
            .map_err(|_| ReceiveError::Cut)?
        {
            match piece {
                Piece::Framing(length) | Piece::Trailers(length) => skipped += length,
                Piece::Data(length) => {
                    self.pass = length;
                    break;
                }
            }
        }
        upstream.buf.consume(skipped);
        Ok(())
    }

    fn unwritten(&self) -> usize {
        self.out.len() + self.pass + self.tail.len() - self.written
    }

    fn poll_write<S: Transport>(
        &mut self,
        errand: Errand<'_>,
        client: &mut Client<S>,
        upstream: &mut UpstreamConn,
        cx: &mut Context<'_>,
    ) -> Poll<Result<(), ReceiveError>> {
        while self.unwritten() > 0 {
            let body = &upstream.buf.data()[..self.pass];
            let parts = [&self.out[..], body, &self.tail];
            let count = ready!(poll_write_parts(&mut client.io, cx, &parts, self.written))
                .map_err(|_| ReceiveError::ClientGone)?;
            self.written += count;
            self.bytes += count as u64;
            client.timer.set(self.wait_limit(errand));
        }
        if self.written > 0 || self.skip > 0 {
            upstream.buf.consume(self.pass + self.skip);
            self.pass = 0;
            self.skip = 0;
            self.written = 0;
            self.out.clear();
            self.tail.clear();
        }
        Poll::Ready(Ok(()))
    }

    fn wait_limit(&self, errand: Errand<'_>) -> Duration {
        let limits = &errand.worker.shared.limits;
        if self.unwritten() > 0 {
            limits.client_idle
        } else if self.state == State::Head {
            limits.response_head
        } else {
            limits.upstream_idle
        }
    }
}

/// Reads from the instance, holding no memory while there is nothing.
fn poll_fill(
    upstream: &mut UpstreamConn,
    worker: &Worker,
    cx: &mut Context<'_>,
) -> Poll<std::io::Result<usize>> {
    if upstream.buf.is_empty() && upstream.io.poll_read_ready(cx).is_pending() {
        upstream.buf.release(&worker.buffers);
        return Poll::Pending;
    }
    upstream.buf.reserve(&worker.buffers, LARGE);
    upstream.buf.poll_fill(&mut upstream.io, cx)
}

/// The `timeout` of a Keep-Alive field.
fn kept_for(raw: &[u8], response: &ResponseHead) -> Option<Duration> {
    let mut fields = response.fields.iter();
    let field = fields.find(|field| field.known == Known::KeepAlive)?;
    let value = std::str::from_utf8(field.value.of(raw)).ok()?;
    let mut parameters = value.split(',').map(str::trim);
    let seconds = parameters.find_map(|parameter| parameter.strip_prefix("timeout="))?;
    Some(Duration::from_secs(seconds.parse().ok()?))
}
