//! The output of a command, as lines that are fit to be kept and shown.

use std::collections::VecDeque;
use std::sync::Mutex;

use tokio::io::{AsyncBufReadExt as _, AsyncRead, BufReader};
use tokio::sync::mpsc;

/// What of a line is kept, in bytes. Bundlers print whole minified sources on one.
const MAX_LINE: usize = 8 << 10;
/// Lines that an error shows.
const TAIL: usize = 40;

/// A line that a command wrote.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutputLine {
    /// Where it wrote it.
    pub stream: Stream,
    /// The line without its end; invalid UTF-8 replaced, cut when it is very long.
    pub line: String,
}

/// Where a command wrote a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stream {
    /// Standard output.
    Stdout,
    /// Standard error.
    Stderr,
}

/// The last lines of a command, in the order in which they came. Neither stream pushes the other
/// out entirely: a chatty standard output must not hide the error that was said once.
#[derive(Debug, Default)]
pub(crate) struct Tail(Mutex<VecDeque<OutputLine>>);

impl Tail {
    pub(crate) fn push(&self, line: OutputLine) {
        let Ok(mut lines) = self.0.lock() else { return };
        lines.push_back(line);
        if lines.len() <= TAIL {
            return;
        }
        let errors = lines
            .iter()
            .filter(|line| line.stream == Stream::Stderr)
            .count();
        let longer = if errors > TAIL / 2 {
            Stream::Stderr
        } else {
            Stream::Stdout
        };
        if let Some(oldest) = lines.iter().position(|line| line.stream == longer) {
            lines.remove(oldest);
        }
    }

    pub(crate) fn take(&self) -> Vec<String> {
        let lines = self.0.lock().map(|mut lines| std::mem::take(&mut *lines));
        lines
            .unwrap_or_default()
            .into_iter()
            .map(|line| line.line)
            .collect()
    }
}

/// Reads lines until the end, into `tail` and to `output`. A reader that went away stops neither
/// the command nor the tail.
pub(crate) async fn pump(
    from: impl AsyncRead + Unpin,
    stream: Stream,
    tail: &Tail,
    output: &mpsc::Sender<OutputLine>,
) {
    let mut from = BufReader::new(from);
    let mut line = Line::default();
    // An error of a pipe is its end.
    while let Ok(chunk) = from.fill_buf().await {
        let ended = chunk.is_empty();
        let newline = chunk.iter().position(|byte| *byte == b'\n');
        let used = newline.map_or(chunk.len(), |at| at + 1);
        line.push(&chunk[..newline.unwrap_or(used)]);
        from.consume(used);
        if newline.is_some() || (ended && line.begun) {
            let line = OutputLine {
                stream,
                line: std::mem::take(&mut line).finish(),
            };
            tail.push(line.clone());
            let _ = output.send(line).await;
        }
        if ended {
            return;
        }
    }
}

/// A line that is being read.
#[derive(Debug, Default)]
pub(crate) struct Line {
    bytes: Vec<u8>,
    dropped: usize,
    /// Whether there is anything of it yet.
    pub begun: bool,
}

impl Line {
    pub(crate) fn push(&mut self, bytes: &[u8]) {
        self.begun |= !bytes.is_empty();
        let taken = bytes.len().min(MAX_LINE - self.bytes.len());
        self.bytes.extend_from_slice(&bytes[..taken]);
        self.dropped += bytes.len() - taken;
    }

    pub(crate) fn finish(self) -> String {
        let mut text = String::from_utf8_lossy(&self.bytes).into_owned();
        if self.dropped > 0 {
            text.push_str(&format!(" … ({} more bytes)", self.dropped));
        }
        // Of a progress line that overwrites itself, what a terminal would show at its end.
        let shown = text.trim_end_matches('\r');
        shown.rsplit('\r').next().unwrap_or(shown).to_owned()
    }
}
