//! The access log: one JSON object per request and line.
//!
//! Workers format lines into a batch of their own; one thread writes batches and rotates the file.
//! A disk that is too slow costs lines, which are counted, and never a request.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::thread::JoinHandle;
use std::time::Duration;

use crate::clock::Timestamp;
use crate::fault::Fault;
use crate::routing::{Service, TargetEntry};

/// Batches that may wait for the disk.
const MAX_WAITING: usize = 64;
/// Size at which the file is rotated.
const MAX_FILE: u64 = 16 << 20;
/// Files that are kept besides the current one.
const KEPT_FILES: u32 = 4;

/// What is logged of a request.
#[derive(Debug, Default)]
pub(crate) struct Line<'a> {
    pub(crate) request_id: &'a [u8],
    pub(crate) host: &'a [u8],
    pub(crate) method: &'a [u8],
    pub(crate) path: &'a [u8],
    pub(crate) ip: Option<IpAddr>,
    pub(crate) status: u16,
    pub(crate) bytes: u64,
    pub(crate) duration: Duration,
    /// To the head of the upstream's answer.
    pub(crate) to_head: Option<Duration>,
    pub(crate) service: Option<&'a Service>,
    pub(crate) target: Option<&'a TargetEntry>,
    pub(crate) error: Option<&'static str>,
    pub(crate) is_probe: bool,
    pub(crate) is_candidate: bool,
}

impl Line<'_> {
    /// For a connection that was refused before there was a request.
    pub(crate) fn unread(ip: IpAddr, fault: Fault, bytes: u64) -> Self {
        Self {
            ip: Some(ip),
            status: fault.status(),
            bytes,
            error: Some(fault.word()),
            ..Self::default()
        }
    }

    /// Appends the line.
    pub(crate) fn write(&self, out: &mut Vec<u8>, time: &Timestamp) {
        out.extend_from_slice(b"{\"time\":\"");
        time.write_rfc3339(out);
        out.push(b'"');
        if !self.request_id.is_empty() {
            write_text(out, "request_id", self.request_id);
            write_text(out, "host", self.host);
            write_text(out, "method", self.method);
            write_text(out, "path", self.path);
        }
        self.write_numbers(out);
        if let Some(service) = self.service {
            out.push(b',');
            out.extend_from_slice(service.log_fields.as_bytes());
        }
        if let Some(target) = self.target {
            let _ = write!(
                out,
                ",\"release\":{},\"instance\":\"{}\"",
                target.release, target.instance.id
            );
        } else if let Some(release) = self.service.and_then(|service| service.release) {
            let _ = write!(out, ",\"release\":{release}");
        }
        if let Some(ip) = self.ip {
            let _ = write!(out, ",\"client\":\"{ip}\"");
        }
        if let Some(error) = self.error {
            write_text(out, "error", error.as_bytes());
        }
        if self.is_probe {
            out.extend_from_slice(b",\"probe\":true");
        }
        if self.is_candidate {
            out.extend_from_slice(b",\"candidate\":true");
        }
        out.extend_from_slice(b"}\n");
    }

    fn write_numbers(&self, out: &mut Vec<u8>) {
        let _ = write!(
            out,
            ",\"status\":{},\"bytes\":{},\"duration_us\":{}",
            self.status,
            self.bytes,
            self.duration.as_micros()
        );
        if let Some(to_head) = self.to_head {
            let _ = write!(out, ",\"upstream_us\":{}", to_head.as_micros());
        }
    }
}

/// Appends `,"name":"text"`, escaped; bytes that are not UTF-8 are replaced.
fn write_text(out: &mut Vec<u8>, name: &str, text: &[u8]) {
    let _ = write!(out, ",\"{name}\":\"");
    let is_plain = |byte: &u8| (0x20..0x7f).contains(byte) && *byte != b'"' && *byte != b'\\';
    if text.iter().all(is_plain) {
        out.extend_from_slice(text);
    } else {
        for character in String::from_utf8_lossy(text).chars() {
            write_escaped(out, character);
        }
    }
    out.push(b'"');
}

fn write_escaped(out: &mut Vec<u8>, character: char) {
    let _ = match character {
        '"' | '\\' => write!(out, "\\{character}"),
        '\0'..='\x1f' | '\x7f' => write!(out, "\\u{:04x}", character as u32),
        _ => write!(out, "{character}"),
    };
}

/// Takes batches of lines.
#[derive(Debug, Clone)]
pub(crate) struct LogSender {
    batches: SyncSender<Vec<u8>>,
    dropped: Arc<AtomicU64>,
}

impl LogSender {
    /// Hands a batch over, or drops it when the disk does not keep up.
    pub(crate) fn send(&self, batch: Vec<u8>, lines: u64) {
        if let Err(TrySendError::Full(_)) = self.batches.try_send(batch) {
            self.dropped.fetch_add(lines, Ordering::Relaxed);
        }
    }

    /// Ends the writing thread once it has written everything that was sent before.
    pub(crate) fn finish(&self) {
        let _ = self.batches.send(Vec::new());
    }
}

/// Starts the thread that writes `path`. It ends with [`LogSender::finish`], or when the last sender is gone.
///
/// # Errors
/// When the file cannot be opened or the thread cannot be started.
pub(crate) fn start(path: PathBuf) -> io::Result<(LogSender, JoinHandle<()>)> {
    let (batches, receiver) = sync_channel(MAX_WAITING);
    let dropped = Arc::new(AtomicU64::new(0));
    let mut writer = Writer::open(path, dropped.clone())?;
    let thread = std::thread::Builder::new()
        .name("access-log".to_owned())
        .spawn(move || writer.run(&receiver))?;
    Ok((LogSender { batches, dropped }, thread))
}

struct Writer {
    path: PathBuf,
    file: File,
    size: u64,
    dropped: Arc<AtomicU64>,
    has_failed: bool,
}

impl Writer {
    fn open(path: PathBuf, dropped: Arc<AtomicU64>) -> io::Result<Self> {
        let (file, size) = open_append(&path)?;
        Ok(Self {
            path,
            file,
            size,
            dropped,
            has_failed: false,
        })
    }

    fn run(&mut self, batches: &Receiver<Vec<u8>>) {
        while let Ok(batch) = batches.recv() {
            if batch.is_empty() {
                return;
            }
            let written = self.write(&batch);
            // Once per change, or a full disk would fill the other logs too.
            if let Err(error) = &written
                && !self.has_failed
            {
                tracing::error!(%error, path = %self.path.display(), "cannot write the access log");
            }
            self.has_failed = written.is_err();
            let dropped = self.dropped.swap(0, Ordering::Relaxed);
            if dropped > 0 {
                tracing::warn!(dropped, "access log lines were dropped");
            }
        }
    }

    fn write(&mut self, batch: &[u8]) -> io::Result<()> {
        // A take-over has two processes append here, so the other one may have rotated.
        if self.size + batch.len() as u64 > MAX_FILE {
            self.rotate()?;
        }
        self.file.write_all(batch)?;
        self.size += batch.len() as u64;
        Ok(())
    }

    fn rotate(&mut self) -> io::Result<()> {
        let is_ours = self.path.metadata().is_ok_and(|at_path| {
            use std::os::unix::fs::MetadataExt;
            self.file
                .metadata()
                .is_ok_and(|ours| (ours.dev(), ours.ino()) == (at_path.dev(), at_path.ino()))
        });
        if is_ours {
            for number in (1..KEPT_FILES).rev() {
                rename_if_there(
                    &numbered(&self.path, number),
                    &numbered(&self.path, number + 1),
                )?;
            }
            rename_if_there(&self.path, &numbered(&self.path, 1))?;
        }
        (self.file, self.size) = open_append(&self.path)?;
        Ok(())
    }
}

fn numbered(path: &Path, number: u32) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".{number}"));
    name.into()
}

fn rename_if_there(from: &Path, to: &Path) -> io::Result<()> {
    match std::fs::rename(from, to) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        result => result,
    }
}

fn open_append(path: &Path) -> io::Result<(File, u64)> {
    use std::os::unix::fs::OpenOptionsExt;
    let file = OpenOptions::new()
        .create(true)
        .append(true)
        .mode(0o640)
        .open(path)?;
    let size = file.metadata()?.len();
    Ok((file, size))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_file_is_rotated_and_only_the_last_five_are_kept() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("access.log");
        let mut writer = Writer::open(path.clone(), Arc::default()).unwrap();
        for number in 0..8 {
            writer.size = MAX_FILE;
            writer.write(format!("{number}\n").as_bytes()).unwrap();
        }
        let read = |path: &Path| std::fs::read_to_string(path).unwrap();
        assert_eq!(read(&path), "7\n");
        for number in 1..=KEPT_FILES {
            assert_eq!(read(&numbered(&path, number)), format!("{}\n", 7 - number));
        }
        assert!(!numbered(&path, KEPT_FILES + 1).exists());
    }

    #[test]
    fn a_file_that_another_process_rotated_is_left_to_it() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("access.log");
        let mut writer = Writer::open(path.clone(), Arc::default()).unwrap();
        std::fs::rename(&path, numbered(&path, 1)).unwrap();
        std::fs::write(&path, "theirs\n").unwrap();
        writer.size = MAX_FILE;
        writer.write(b"ours\n").unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "theirs\nours\n");
        assert!(!numbered(&path, 2).exists());
    }

    #[test]
    fn text_from_clients_cannot_break_out_of_its_line() {
        let mut out = b"{\"a\":1".to_vec();
        write_text(&mut out, "path", b"\"\\\n\x00\x7f\xff\xc3\xa9");
        out.push(b'}');
        let value: serde_json::Value = serde_json::from_slice(&out).unwrap();
        assert_eq!(value["path"], "\"\\\n\0\x7f\u{fffd}é");
    }
}
