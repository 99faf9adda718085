//! Lines of a log, put together from the parts in which they are kept.

use crate::log_files::RawLine;
use crate::{LogLine, Stream};

/// Longest line that is put together from parts, in bytes; a longer one is given out in several.
const MAX_LINE: usize = 256 << 10;

/// Puts lines together from their parts, each stream for itself.
#[derive(Debug, Clone, Default)]
pub(crate) struct Joiner {
    open: Vec<(Stream, jiff::Timestamp, Vec<u8>)>,
}

impl Joiner {
    /// Adds a part; the line that it completes.
    pub fn add(&mut self, line: &RawLine<'_>) -> Option<LogLine> {
        let known = self
            .open
            .iter()
            .position(|(stream, ..)| *stream == line.stream);
        let Some(index) = known else {
            if !line.partial {
                return Some(finished(line.stream, line.at, line.text));
            }
            self.open.push((line.stream, line.at, line.text.to_vec()));
            return None;
        };
        self.open[index].2.extend_from_slice(line.text);
        if line.partial && self.open[index].2.len() < MAX_LINE {
            return None;
        }
        let (stream, at, text) = self.open.swap_remove(index);
        Some(finished(stream, at, &text))
    }

    /// The lines that were begun and have no end.
    pub fn finish(&mut self) -> Vec<LogLine> {
        let open = self.open.drain(..);
        open.map(|(stream, at, text)| finished(stream, at, &text))
            .collect()
    }
}

fn finished(stream: Stream, at: jiff::Timestamp, text: &[u8]) -> LogLine {
    let text = text.strip_suffix(b"\r").unwrap_or(text);
    LogLine {
        at,
        stream,
        text: String::from_utf8_lossy(text).into_owned(),
    }
}
