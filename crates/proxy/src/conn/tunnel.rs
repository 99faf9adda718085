//! Two streams tied together: upgraded connections, and layer 4.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::AsyncWrite;
use tokio::net::TcpStream;

use super::buf::{Buf, SMALL};
use super::client::Transport;
use super::timer::Timer;
use crate::worker::Worker;

/// Copies both ways until both have ended, or one has failed, or one has ended and nothing comes the other
/// way for too long. Bytes that were read before go first.
pub(crate) async fn tunnel<S: Transport>(
    mut client: S,
    from_client: Buf,
    mut upstream: TcpStream,
    from_upstream: Buf,
    worker: &Worker,
) {
    let limit = worker.shared.limits.half_closed;
    let mut up = Pump::new(from_client);
    let mut down = Pump::new(from_upstream);
    let mut timer: Option<Timer> = None;
    std::future::poll_fn(|cx| {
        let moved = up.moved + down.moved;
        let sent = up.poll(&mut client, &mut upstream, worker, cx);
        let received = down.poll(&mut upstream, &mut client, worker, cx);
        match (sent, received) {
            (Poll::Ready(Err(_)), _) | (_, Poll::Ready(Err(_))) => return Poll::Ready(()),
            (Poll::Ready(Ok(())), Poll::Ready(Ok(()))) => return Poll::Ready(()),
            (Poll::Pending, Poll::Pending) => return Poll::Pending,
            _ => {}
        }
        let timer = timer.get_or_insert_with(|| Timer::new(limit));
        if up.moved + down.moved != moved {
            timer.set(limit);
        }
        timer.poll(cx)
    })
    .await;
    up.finish(worker);
    down.finish(worker);
}

/// One direction.
struct Pump {
    buf: Buf,
    moved: u64,
    has_ended: bool,
    is_shut: bool,
}

impl Pump {
    fn new(buf: Buf) -> Self {
        Self {
            buf,
            moved: 0,
            has_ended: false,
            is_shut: false,
        }
    }

    fn poll<F: Transport, T: AsyncWrite + Unpin>(
        &mut self,
        from: &mut F,
        to: &mut T,
        worker: &Worker,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<()>> {
        loop {
            if self.is_shut {
                return Poll::Ready(Ok(()));
            }
            if !self.buf.is_empty() {
                let count = ready!(Pin::new(&mut *to).poll_write(cx, self.buf.data()))?;
                if count == 0 {
                    return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
                }
                self.moved += count as u64;
                self.buf.consume(count);
            } else if self.has_ended {
                ready!(Pin::new(&mut *to).poll_shutdown(cx))?;
                self.is_shut = true;
            } else {
                self.has_ended = ready!(self.poll_read(from, worker, cx))? == 0;
            }
        }
    }

    fn poll_read<F: Transport>(
        &mut self,
        from: &mut F,
        worker: &Worker,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<usize>> {
        if from.poll_readable(cx).is_pending() {
            self.buf.release(&worker.buffers);
            return Poll::Pending;
        }
        self.buf.reserve(&worker.buffers, SMALL);
        self.buf.poll_fill(from, cx)
    }

    fn finish(mut self, worker: &Worker) {
        let left = self.buf.data().len();
        self.buf.consume(left);
        self.buf.release(&worker.buffers);
    }
}
