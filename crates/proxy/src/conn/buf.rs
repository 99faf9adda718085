//! Buffers that a worker lends to its connections, so that resting connections hold none.

use std::cell::RefCell;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, ReadBuf};

/// Size of a buffer for heads and bodies of clients; most heads fit.
pub(crate) const SMALL: usize = 16 * 1024;
/// Size of a buffer for answers, and for heads that do not fit a small one.
pub(crate) const LARGE: usize = 64 * 1024;
/// Free buffers of a size that a worker keeps.
const KEPT: usize = 64;
/// Largest vector of bytes that is kept for reuse.
const LARGEST_VEC: usize = 16 * 1024;

/// A worker's free buffers.
#[derive(Debug, Default)]
pub(crate) struct Buffers {
    small: RefCell<Vec<Box<[u8]>>>,
    large: RefCell<Vec<Box<[u8]>>>,
    vecs: RefCell<Vec<Vec<u8>>>,
}

impl Buffers {
    fn take(&self, size: usize) -> Box<[u8]> {
        let list = if size <= SMALL {
            &self.small
        } else {
            &self.large
        };
        let free = list.borrow_mut().pop();
        free.unwrap_or_else(|| vec![0; if size <= SMALL { SMALL } else { LARGE }].into())
    }

    fn give(&self, bytes: Box<[u8]>) {
        let list = match bytes.len() {
            SMALL => &self.small,
            LARGE => &self.large,
            _ => return,
        };
        let mut list = list.borrow_mut();
        if list.len() < KEPT {
            list.push(bytes);
        }
    }

    /// An empty vector of bytes.
    pub(crate) fn take_vec(&self) -> Vec<u8> {
        let free = self.vecs.borrow_mut().pop();
        free.unwrap_or_else(|| Vec::with_capacity(1024))
    }

    /// Gives a vector back for reuse.
    pub(crate) fn give_vec(&self, mut bytes: Vec<u8>) {
        let mut list = self.vecs.borrow_mut();
        if list.len() < KEPT && (1..=LARGEST_VEC).contains(&bytes.capacity()) {
            bytes.clear();
            list.push(bytes);
        }
    }
}

/// Bytes that were read and not yet used. Holds memory only while it is lent some.
#[derive(Debug, Default)]
pub(crate) struct Buf {
    bytes: Box<[u8]>,
    start: usize,
    end: usize,
}

impl Buf {
    /// What is there.
    pub(crate) fn data(&self) -> &[u8] {
        &self.bytes[self.start..self.end]
    }

    /// Whether nothing is there.
    pub(crate) fn is_empty(&self) -> bool {
        self.start == self.end
    }

    /// Uses up bytes at the front.
    pub(crate) fn consume(&mut self, count: usize) {
        self.start = (self.start + count).min(self.end);
        if self.start == self.end {
            self.start = 0;
            self.end = 0;
        }
    }

    /// Makes sure that there is room to read into, up to `size` bytes in all. Without room
    /// afterwards the buffer is full.
    pub(crate) fn reserve(&mut self, buffers: &Buffers, size: usize) {
        if self.bytes.is_empty() {
            self.bytes = buffers.take(size);
        }
        if self.end < self.bytes.len() {
            return;
        }
        if self.start > 0 {
            self.bytes.copy_within(self.start..self.end, 0);
        } else if self.bytes.len() < size {
            let mut larger = buffers.take(size);
            larger[..self.end].copy_from_slice(&self.bytes[..self.end]);
            buffers.give(std::mem::replace(&mut self.bytes, larger));
        }
        self.end -= self.start;
        self.start = 0;
    }

    /// Whether [`Self::poll_fill`] can read anything.
    pub(crate) fn has_room(&self) -> bool {
        self.end < self.bytes.len()
    }

    /// Reads once into the room there is. Zero is the end of the stream.
    pub(crate) fn poll_fill<S: AsyncRead + Unpin>(
        &mut self,
        io: &mut S,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<usize>> {
        let mut room = ReadBuf::new(&mut self.bytes[self.end..]);
        ready!(Pin::new(io).poll_read(cx, &mut room))?;
        let count = room.filled().len();
        self.end += count;
        Poll::Ready(Ok(count))
    }

    /// Gives the memory back, if nothing is in it.
    pub(crate) fn release(&mut self, buffers: &Buffers) {
        if self.is_empty() && !self.bytes.is_empty() {
            buffers.give(std::mem::take(&mut self.bytes));
            self.start = 0;
            self.end = 0;
        }
    }
}
