//! Reading an instance's log: what is there, and what comes.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::time::Duration;

use landfall_model::InstanceId;
use tokio::sync::mpsc;
use tokio::time::sleep;

use super::client::{has_shim, is_unknown};
use super::io_error;
use crate::log_files;
use crate::log_joiner::Joiner;
use crate::record::InstanceDir;
use crate::{LogLine, LogQuery, RuntimeError};

/// How often a log that is followed is looked at.
const LOOK_AGAIN: Duration = Duration::from_millis(100);

/// Bytes read from a file at a time.
const BLOCK: usize = 64 << 10;

/// Reads what is there.
pub(super) async fn read(
    dir: &InstanceDir,
    id: &InstanceId,
    query: &LogQuery,
) -> Result<Vec<LogLine>, RuntimeError> {
    let (lines, _) = read_there(dir, id, query).await?;
    Ok(lines)
}

/// Sends what is there and what comes, until the instance has ended.
pub(super) async fn follow(
    dir: &InstanceDir,
    id: &InstanceId,
    query: &LogQuery,
    to: mpsc::Sender<LogLine>,
) -> Result<(), RuntimeError> {
    let (mut lines, mut reader) = read_there(dir, id, query).await?;
    loop {
        for line in lines {
            if to.send(line).await.is_err() {
                return Ok(());
            }
        }
        // Asked before reading: what an instance wrote before its end is read after it.
        let is_over = !has_shim(dir).unwrap_or(false);
        lines = reader.more().map_err(io_error("read", dir.log()))?;
        if !lines.is_empty() {
            continue;
        }
        if is_over {
            for line in reader.joiner.finish() {
                let _ = to.send(line).await;
            }
            return Ok(());
        }
        tokio::select! {
            () = sleep(LOOK_AGAIN) => {}
            () = to.closed() => return Ok(()),
        }
    }
}

async fn read_there(
    dir: &InstanceDir,
    id: &InstanceId,
    query: &LogQuery,
) -> Result<(Vec<LogLine>, Reader), RuntimeError> {
    if is_unknown(dir) {
        return Err(RuntimeError::NotFound(id.clone()));
    }
    let (log, query) = (dir.log(), query.clone());
    let reading = tokio::task::spawn_blocking(move || select(log, &query));
    let outcome = reading
        .await
        .unwrap_or_else(|_| Err(io::Error::other("the reader panicked")));
    outcome.map_err(io_error("read", dir.log()))
}

/// Reads from the oldest file that matters to what is the end now: a flood has none. Only as many
/// lines as are wanted are held.
fn select(log: PathBuf, query: &LogQuery) -> io::Result<(Vec<LogLine>, Reader)> {
    let end = end_of(&log)?;
    let first = first_file(&log, query)?;
    let mut reader = Reader::new(log, first);
    let most = query.tail.unwrap_or(usize::MAX);
    let mut kept = VecDeque::new();
    while reader.place() < end {
        let lines = reader.more()?;
        if lines.is_empty() {
            break;
        }
        for line in lines {
            if query.since.is_some_and(|since| line.at < since) {
                continue;
            }
            kept.push_back(line);
            if kept.len() > most {
                kept.pop_front();
            }
        }
    }
    Ok((kept.into(), reader))
}

/// The number of the last file and the bytes in it.
fn end_of(log: &Path) -> io::Result<(u64, u64)> {
    let last = log_files::list(log)?.pop().unwrap_or(1);
    let bytes = std::fs::metadata(log_files::path(log, last)).map_or(0, |data| data.len());
    Ok((last, bytes))
}

/// The file from which on reading gives all that is asked for.
fn first_file(log: &Path, query: &LogQuery) -> io::Result<u64> {
    let numbers = log_files::list(log)?;
    let oldest = numbers.first().copied().unwrap_or(1);
    let mut full_lines = 0;
    for &number in numbers.iter().rev() {
        let Ok(content) = std::fs::read(log_files::path(log, number)) else {
            continue;
        };
        if let Some(tail) = query.tail {
            let is_full = |line: &&[u8]| log_files::parse(line).is_some_and(|line| !line.partial);
            full_lines += content.split(|&byte| byte == b'\n').filter(is_full).count();
            // One more, because the first may have begun in the file before.
            if full_lines > tail {
                return Ok(number);
            }
        }
        let begin = content
            .split(|&byte| byte == b'\n')
            .find_map(log_files::parse);
        if query
            .since
            .zip(begin)
            .is_some_and(|(since, begin)| begin.at < since)
        {
            return Ok(number);
        }
    }
    Ok(oldest)
}

/// A place in the log.
#[derive(Debug)]
struct Reader {
    log: PathBuf,
    number: u64,
    file: Option<File>,
    /// Bytes read of the file.
    read: u64,
    /// What was read of a line whose end was not.
    rest: Vec<u8>,
    joiner: Joiner,
}

impl Reader {
    fn new(log: PathBuf, number: u64) -> Self {
        Self {
            log,
            number,
            file: None,
            read: 0,
            rest: Vec::new(),
            joiner: Joiner::default(),
        }
    }

    /// The number of the file, and the bytes read of it.
    fn place(&self) -> (u64, u64) {
        (self.number, self.read)
    }

    /// The next lines; none at the present end of the log.
    fn more(&mut self) -> io::Result<Vec<LogLine>> {
        loop {
            // Looked up before reading: once there is a next file, this one does not grow.
            let next = log_files::list(&self.log)?
                .into_iter()
                .find(|&number| number > self.number);
            let mut lines = Vec::new();
            let read = self.read_block(&mut lines)?;
            if !lines.is_empty() {
                return Ok(lines);
            }
            match next {
                _ if read > 0 => {}
                Some(next) => {
                    self.number = next;
                    self.file = None;
                    self.read = 0;
                    self.rest.clear();
                }
                None => return Ok(lines),
            }
        }
    }

    fn read_block(&mut self, lines: &mut Vec<LogLine>) -> io::Result<usize> {
        if self.file.is_none() {
            match File::open(log_files::path(&self.log, self.number)) {
                Ok(file) => self.file = Some(file),
                Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(0),
                Err(error) => return Err(error),
            }
        }
        let Some(file) = &mut self.file else {
            return Ok(0);
        };
        let begin = self.rest.len();
        self.rest.resize(begin + BLOCK, 0);
        let read = file.read(&mut self.rest[begin..])?;
        self.rest.truncate(begin + read);
        self.read += read as u64;
        let Some(end) = self.rest.iter().rposition(|&byte| byte == b'\n') else {
            return Ok(read);
        };
        for line in self.rest[..end]
            .split(|&byte| byte == b'\n')
            .filter_map(log_files::parse)
        {
            lines.extend(self.joiner.add(&line));
        }
        self.rest.drain(..=end);
        Ok(read)
    }
}
