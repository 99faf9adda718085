//! The client's side of a connection: reads heads, writes answers, closes without losing them.

use std::cell::{Cell, RefCell};
use std::io::{self, IoSlice};
use std::net::IpAddr;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;

use super::buf::{Buf, LARGE, SMALL};
use super::timer::Timer;
use crate::fault::Fault;
use crate::http1::HeadScanner;
use crate::worker::Worker;

/// A stream of bytes from a client: TCP, or anything on top of it.
pub(crate) trait Transport: AsyncRead + AsyncWrite + Unpin {
    /// Ready when a read would not wait. May be ready too often, never too seldom.
    fn poll_readable(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>>;
}

impl Transport for TcpStream {
    fn poll_readable(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll_read_ready(cx)
    }
}

/// What a worker knows about a connection: whether it rests, and how to close it then.
#[derive(Debug, Default)]
pub(crate) struct RestState {
    close: Cell<bool>,
    waker: RefCell<Option<Waker>>,
}

impl RestState {
    /// Asks the connection to close as soon as it rests.
    pub(crate) fn close(&self) {
        self.close.set(true);
        if let Some(waker) = self.waker.borrow_mut().take() {
            waker.wake();
        }
    }

    fn rest(&self, cx: &mut Context<'_>) {
        let mut waker = self.waker.borrow_mut();
        match waker.as_mut() {
            Some(waker) => waker.clone_from(cx.waker()),
            None => *waker = Some(cx.waker().clone()),
        }
    }
}

/// A connection of a client.
#[derive(Debug)]
pub(crate) struct Client<S> {
    pub(super) io: S,
    pub(super) ip: IpAddr,
    /// What came from the client and is not used yet.
    pub(super) buf: Buf,
    pub(super) timer: Timer,
    rest: Rc<RestState>,
}

/// How reading a head can end without one.
#[derive(Debug)]
pub(super) enum NoHead {
    /// The connection has ended, and nothing was lost.
    Ended,
    /// It must be answered with a fault.
    Fault(Fault),
}

impl<S: Transport> Client<S> {
    pub(super) fn new(io: S, ip: IpAddr, rest: Rc<RestState>, first_head: Duration) -> Self {
        Self {
            io,
            ip,
            buf: Buf::default(),
            timer: Timer::new(first_head),
            rest,
        }
    }

    /// Waits for a whole head at the front of the buffer, and returns its length.
    pub(super) async fn read_head(&mut self, worker: &Worker) -> Result<usize, NoHead> {
        let limits = &worker.shared.limits;
        let mut scanner = HeadScanner::default();
        let mut has_begun = false;
        let mut has_skipped_line = false;
        std::future::poll_fn(|cx| {
            loop {
                if !self.buf.is_empty() {
                    if !has_begun {
                        has_begun = true;
                        self.timer.set(limits.head_time);
                    }
                    if !has_skipped_line
                        && b"\r\n".starts_with(&self.buf.data()[..self.buf.data().len().min(2)])
                    {
                        // One blank line before a request is allowed: old clients send it.
                        if self.buf.data().len() >= 2 {
                            has_skipped_line = true;
                            self.buf.consume(2);
                            continue;
                        }
                    } else {
                        match scanner.scan(self.buf.data(), limits.head) {
                            Ok(Some(length)) => return Poll::Ready(Ok(length)),
                            Ok(None) => {}
                            Err(reject) => {
                                return Poll::Ready(Err(NoHead::Fault(Fault::Malformed(reject))));
                            }
                        }
                    }
                }
                match self.poll_more(worker, cx) {
                    Poll::Ready(Ok(0) | Err(_)) => return Poll::Ready(Err(NoHead::Ended)),
                    Poll::Ready(Ok(_)) => {}
                    Poll::Pending => return self.poll_late(has_begun, cx),
                }
            }
        })
        .await
    }

    /// Reads more of a head. Without a byte of it yet, no memory is held while waiting.
    fn poll_more(&mut self, worker: &Worker, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        if self.buf.is_empty() {
            self.rest.rest(cx);
            if ready_or_pending(self.io.poll_readable(cx))?.is_pending() {
                self.buf.release(&worker.buffers);
                return if self.rest.close.get() {
                    Poll::Ready(Ok(0))
                } else {
                    Poll::Pending
                };
            }
        }
        self.poll_read(worker, cx)
    }

    /// Reads what is there. Zero is the end of the stream.
    pub(super) fn poll_read(
        &mut self,
        worker: &Worker,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<usize>> {
        let size = if self.buf.is_empty() { SMALL } else { LARGE };
        self.buf.reserve(&worker.buffers, size);
        self.buf.poll_fill(&mut self.io, cx)
    }

    fn poll_late(&mut self, has_begun: bool, cx: &mut Context<'_>) -> Poll<Result<usize, NoHead>> {
        ready!(self.timer.poll(cx));
        Poll::Ready(Err(if has_begun {
            NoHead::Fault(Fault::HeadTimeout)
        } else {
            NoHead::Ended
        }))
    }

    /// Writes all of it, or fails when the client does not read for too long.
    pub(super) async fn write_all(&mut self, worker: &Worker, parts: &[&[u8]]) -> io::Result<()> {
        let total: usize = parts.iter().map(|part| part.len()).sum();
        let mut done = 0;
        self.timer.set(worker.shared.limits.client_idle);
        std::future::poll_fn(|cx| {
            while done < total {
                match poll_write_parts(&mut self.io, cx, parts, done) {
                    Poll::Ready(Ok(count)) => {
                        done += count;
                        self.timer.set(worker.shared.limits.client_idle);
                    }
                    Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                    Poll::Pending => {
                        ready!(self.timer.poll(cx));
                        return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
                    }
                }
            }
            Poll::Ready(Ok(()))
        })
        .await
    }

    /// Ends our direction, and discards what the client still sends for a moment: a close with
    /// unread bytes would reset the connection and take the answer with it.
    pub(super) async fn linger(&mut self, worker: &Worker) {
        self.timer.set(worker.shared.limits.linger);
        let mut is_shut = false;
        std::future::poll_fn(|cx| {
            if !is_shut {
                is_shut = true;
                let _ = Pin::new(&mut self.io).poll_shutdown(cx);
            }
            loop {
                let unread = self.buf.data().len();
                self.buf.consume(unread);
                match self.poll_read(worker, cx) {
                    Poll::Ready(Ok(0) | Err(_)) => return Poll::Ready(()),
                    Poll::Ready(Ok(_)) => {}
                    Poll::Pending => return self.timer.poll(cx),
                }
            }
        })
        .await;
        self.buf.consume(usize::MAX / 2);
        self.buf.release(&worker.buffers);
    }
}

/// An error stays one; otherwise whether it is pending.
fn ready_or_pending(poll: Poll<io::Result<()>>) -> io::Result<Poll<()>> {
    match poll {
        Poll::Ready(result) => result.map(Poll::Ready),
        Poll::Pending => Ok(Poll::Pending),
    }
}

/// Writes once from the concatenation of up to three parts, of which `done` bytes are written.
pub(super) fn poll_write_parts<S: AsyncWrite + Unpin>(
    io: &mut S,
    cx: &mut Context<'_>,
    parts: &[&[u8]],
    done: usize,
) -> Poll<io::Result<usize>> {
    let mut slices = [IoSlice::new(&[]); 3];
    let mut used = 0;
    let mut skip = done;
    for part in parts.iter().take(3) {
        let left = &part[skip.min(part.len())..];
        skip -= skip.min(part.len());
        if !left.is_empty() {
            slices[used] = IoSlice::new(left);
            used += 1;
        }
    }
    let count = match &slices[..used] {
        [one] => ready!(Pin::new(io).poll_write(cx, one))?,
        many => ready!(Pin::new(io).poll_write_vectored(cx, many))?,
    };
    Poll::Ready(if count == 0 {
        Err(io::ErrorKind::WriteZero.into())
    } else {
        Ok(count)
    })
}
