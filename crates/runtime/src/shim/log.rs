//! The log of an instance: files `log/NNNNNNNN.log` of whole lines, the highest number the
//! current one, bounded in size and number.
//!
//! A line is `TIME STREAM TAG TEXT`, tag `F` for a full line or its last part, `P` for a part
//! that goes on. What cannot be written is dropped and counted: a full disk neither blocks nor
//! kills the app.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use super::framing::Piece;
use super::stamp::{STAMP_LEN, Stamp};
use crate::log_files;
use crate::{LogSpec, Stream};

/// Bytes gathered before they are written: a flood costs one system call for that many.
const BATCH: usize = 64 << 10;

/// The log's writer. There is one: the shim.
#[derive(Debug)]
pub(crate) struct LogWriter {
    dir: PathBuf,
    max_file_bytes: u64,
    max_files: usize,
    number: u64,
    file: Option<File>,
    /// Bytes of whole lines in the current file.
    written: u64,
    batch: Vec<u8>,
    batch_lines: u64,
    dropped: Option<Dropped>,
}

impl LogWriter {
    /// Opens the log, going on where an earlier run of the same instance left it.
    ///
    /// # Errors
    /// When the directory or the current file cannot be made.
    pub fn open(dir: PathBuf, spec: LogSpec) -> io::Result<Self> {
        make_log_dir(&dir)?;
        let number = log_files::list(&dir)?.pop().unwrap_or(1);
        let mut log = Self {
            dir,
            max_file_bytes: spec.max_file_bytes.max(1),
            max_files: spec.max_files.max(1) as usize,
            number,
            file: None,
            written: 0,
            batch: Vec::new(),
            batch_lines: 0,
            dropped: None,
        };
        log.open_file()?;
        Ok(log)
    }

    /// Adds a piece of the app's output.
    pub fn piece(&mut self, at: &Stamp, stream: Stream, piece: Piece<'_>) {
        let line = STAMP_LEN + log_files::stream_name(stream).len() + piece.bytes.len() + 5;
        if self.batch.len() + line > BATCH {
            self.flush();
        }
        let gathered = self.written + self.batch.len() as u64;
        if gathered > 0 && gathered + line as u64 > self.max_file_bytes {
            self.flush();
            self.rotate();
        }
        put_line(&mut self.batch, at, stream, piece);
        self.batch_lines += 1;
    }

    /// Adds a line of the shim's own.
    pub fn say(&mut self, text: &str) {
        for line in text.lines() {
            let piece = Piece {
                bytes: line.as_bytes(),
                partial: false,
            };
            self.piece(&Stamp::now(), Stream::Landfall, piece);
        }
    }

    /// Writes what was gathered, after a word on what had to be dropped before.
    pub fn flush(&mut self) {
        if self.dropped.is_some() {
            self.tell_dropped();
        }
        if self.batch.is_empty() {
            return;
        }
        let mut batch = std::mem::take(&mut self.batch);
        let lines = std::mem::take(&mut self.batch_lines);
        let outcome = match &self.dropped {
            // Nothing may be written past a gap that is not told of.
            Some(dropped) => Err(dropped.reason.into()),
            None => self.write(&batch),
        };
        if let Err(error) = outcome {
            let before = self.dropped.take().map_or(0, |dropped| dropped.lines);
            self.dropped = Some(Dropped {
                lines: before + lines,
                reason: error.kind(),
            });
        }
        batch.clear();
        self.batch = batch;
    }

    /// Makes the log again when its file was removed behind the shim's back, and tells of lines
    /// that were dropped once there is room again. To be called now and then.
    pub fn repair(&mut self) {
        let is_removed = match &self.file {
            Some(file) => file.metadata().map_or(true, |data| data.nlink() == 0),
            None => true,
        };
        if is_removed {
            self.file = None;
            let _ = make_log_dir(&self.dir);
            let _ = self.open_file();
        }
        self.flush();
    }

    fn tell_dropped(&mut self) {
        let Some(Dropped { lines, reason }) = self.dropped.take() else {
            return;
        };
        let text = format!("dropped {lines} lines that could not be written: {reason}");
        let mut note = Vec::new();
        let piece = Piece {
            bytes: text.as_bytes(),
            partial: false,
        };
        put_line(&mut note, &Stamp::now(), Stream::Landfall, piece);
        if self.write(&note).is_err() {
            self.dropped = Some(Dropped { lines, reason });
        }
    }

    /// Writes whole lines, all of them or none.
    fn write(&mut self, lines: &[u8]) -> io::Result<()> {
        if self.file.is_none() {
            self.open_file()?;
        }
        let Some(file) = &self.file else {
            return Ok(());
        };
        let mut rest = lines;
        while !rest.is_empty() {
            match rustix::io::write(file, rest) {
                Ok(written) => rest = &rest[written..],
                Err(rustix::io::Errno::INTR) => {}
                Err(error) => {
                    // Half a line must not stay: readers count on whole ones.
                    let _ = file.set_len(self.written);
                    return Err(error.into());
                }
            }
        }
        self.written += lines.len() as u64;
        Ok(())
    }

    fn rotate(&mut self) {
        self.number += 1;
        self.file = None;
        self.written = 0;
        // The oldest goes first, so that the bound holds at every moment.
        self.remove_old();
        let _ = self.open_file();
    }

    fn remove_old(&self) {
        let Ok(numbers) = log_files::list(&self.dir) else {
            return;
        };
        let kept = self.max_files - 1;
        for number in &numbers[..numbers.len().saturating_sub(kept)] {
            let _ = std::fs::remove_file(log_files::path(&self.dir, *number));
        }
    }

    fn open_file(&mut self) -> io::Result<()> {
        let file = OpenOptions::new()
            .append(true)
            .create(true)
            .mode(0o600)
            .open(log_files::path(&self.dir, self.number))?;
        self.written = log_files::cut_to_whole_lines(&file)?;
        self.file = Some(file);
        Ok(())
    }
}

/// Lines that are missing from the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Dropped {
    lines: u64,
    reason: io::ErrorKind,
}

fn put_line(to: &mut Vec<u8>, at: &Stamp, stream: Stream, piece: Piece<'_>) {
    to.extend_from_slice(&at.0);
    to.push(b' ');
    to.extend_from_slice(log_files::stream_name(stream).as_bytes());
    to.extend_from_slice(if piece.partial { b" P " } else { b" F " });
    to.extend_from_slice(piece.bytes);
    to.push(b'\n');
}

fn make_log_dir(dir: &Path) -> io::Result<()> {
    std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(dir)
}

#[cfg(test)]
mod tests;
