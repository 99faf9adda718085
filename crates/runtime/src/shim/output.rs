//! The app's output on its way into the log. Owns the reading ends of its pipes.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use super::app::Pipes;
use super::framing::{Framer, Piece};
use super::log::LogWriter;
use super::stamp::Stamp;
use crate::Stream;

/// Bytes read at a time: what a pipe holds.
const BLOCK: usize = 64 << 10;

/// Most that is taken out of a pipe when the app is gone. A pipe may have been made larger by the
/// app, and a process that escaped may go on writing.
const MAX_DRAIN: usize = 16 << 20;

/// All streams that are open.
#[derive(Debug)]
pub(crate) struct Output {
    streams: Vec<OpenStream>,
    block: Vec<u8>,
}

#[derive(Debug)]
struct OpenStream {
    fd: OwnedFd,
    name: Stream,
    framer: Framer,
    is_closed: bool,
}

impl Output {
    /// No stream.
    pub fn none() -> Self {
        Self {
            streams: Vec::new(),
            block: vec![0; BLOCK],
        }
    }

    /// Takes the output of an app that was just started.
    pub fn open(&mut self, pipes: Pipes) {
        for (fd, name) in [
            (pipes.stdout, Stream::Stdout),
            (pipes.stderr, Stream::Stderr),
        ] {
            let framer = Framer::default();
            self.streams.push(OpenStream {
                fd,
                name,
                framer,
                is_closed: false,
            });
        }
    }

    /// The descriptors to wait for.
    pub fn descriptors(&self) -> impl Iterator<Item = BorrowedFd<'_>> {
        self.streams.iter().map(|stream| stream.fd.as_fd())
    }

    /// Reads once from every stream: a flood on one does not keep the other, nor requests,
    /// waiting. Gives the number of bytes.
    pub fn read(&mut self, log: &mut LogWriter) -> usize {
        let now = Stamp::now();
        let block = self.block.as_mut_slice();
        let read = self
            .streams
            .iter_mut()
            .map(|stream| stream.read(block, &now, log))
            .sum();
        self.streams.retain(|stream| !stream.is_closed);
        read
    }

    /// Writes what has come of unfinished lines, so that a prompt or the last words before a
    /// hang are seen.
    pub fn flush_partial(&mut self, log: &mut LogWriter) {
        let now = Stamp::now();
        for stream in &mut self.streams {
            let name = stream.name;
            stream
                .framer
                .flush_partial(|piece| log.piece(&now, name, piece));
        }
    }

    /// Takes all that is left in the pipes and closes them.
    pub fn drain(&mut self, log: &mut LogWriter) {
        let mut total = 0;
        while total < MAX_DRAIN {
            match self.read(log) {
                0 => break,
                read => total += read,
            }
        }
        let now = Stamp::now();
        for mut stream in self.streams.drain(..) {
            stream
                .framer
                .finish(|piece| log.piece(&now, stream.name, piece));
        }
    }
}

impl OpenStream {
    fn read(&mut self, block: &mut [u8], now: &Stamp, log: &mut LogWriter) -> usize {
        let name = self.name;
        let mut emit = |piece: Piece<'_>| log.piece(now, name, piece);
        match rustix::io::read(&self.fd, &mut *block) {
            Ok(0) => {
                self.framer.finish(&mut emit);
                self.is_closed = true;
                0
            }
            Ok(read) => {
                self.framer.feed(&block[..read], &mut emit);
                read
            }
            Err(_) => 0,
        }
    }
}
