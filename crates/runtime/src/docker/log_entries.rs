//! Entries of the engine's log: how they are read, and which were read before. Pure.

use bollard::container::LogOutput;
use jiff::Timestamp;

use crate::Stream;
use crate::log_files::RawLine;

/// An entry: a line, or a part of one that was too long for the engine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Entry {
    pub at: Timestamp,
    pub stream: Stream,
    /// Without its line end.
    pub text: Vec<u8>,
    /// Whether the line goes on in the next entry of the stream.
    pub partial: bool,
}

impl Entry {
    /// Reads what the engine sent with timestamps on.
    pub fn of(output: &LogOutput) -> Option<Self> {
        let (stream, message) = match output {
            LogOutput::StdErr { message } => (Stream::Stderr, message),
            // A terminal has one stream.
            LogOutput::StdOut { message } | LogOutput::Console { message } => {
                (Stream::Stdout, message)
            }
            LogOutput::StdIn { .. } => return None,
        };
        let end = message.iter().position(|&byte| byte == b' ')?;
        let at = std::str::from_utf8(&message[..end]).ok()?.parse().ok()?;
        let text = &message[end + 1..];
        let whole = text.strip_suffix(b"\n");
        Some(Self {
            at,
            stream,
            text: whole.unwrap_or(text).to_vec(),
            partial: whole.is_none(),
        })
    }

    /// The entry as it is put together with others.
    pub fn raw(&self) -> RawLine<'_> {
        RawLine {
            at: self.at,
            stream: self.stream,
            partial: self.partial,
            text: &self.text,
        }
    }
}

/// How far a log was read, each stream for itself: within one, times never go back.
#[derive(Debug, Clone, Default)]
pub(super) struct Cursor {
    read: Vec<Place>,
}

#[derive(Debug, Clone)]
struct Place {
    stream: Stream,
    at: Timestamp,
    /// Entries of this very moment that were read.
    count: usize,
    /// Entries of this very moment that came since reading began again.
    again: usize,
}

impl Cursor {
    /// The latest moment of which an entry was read.
    pub fn latest(&self) -> Option<Timestamp> {
        self.read.iter().map(|place| place.at).max()
    }

    /// Says that entries from some moment before the latest on come once more.
    pub fn begin_again(&mut self) {
        for place in &mut self.read {
            place.again = 0;
        }
    }

    /// Notes an entry; whether it is one that was not read before.
    pub fn is_new(&mut self, entry: &Entry) -> bool {
        let known = self.read.iter_mut().find(|p| p.stream == entry.stream);
        let Some(place) = known else {
            self.read.push(Place {
                stream: entry.stream,
                at: entry.at,
                count: 1,
                again: 1,
            });
            return true;
        };
        if entry.at < place.at {
            return false;
        }
        if entry.at > place.at {
            (place.at, place.count, place.again) = (entry.at, 1, 1);
            return true;
        }
        place.again += 1;
        let is_new = place.again > place.count;
        place.count = place.count.max(place.again);
        is_new
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(nanos: i128, stream: Stream) -> Entry {
        Entry {
            at: Timestamp::from_nanosecond(nanos).expect("a time"),
            stream,
            text: Vec::new(),
            partial: false,
        }
    }

    #[test]
    fn an_entry_has_time_stream_and_text_and_knows_whether_its_line_goes_on() {
        let output = |message: &str| LogOutput::StdErr {
            message: message.to_owned().into(),
        };
        let whole = Entry::of(&output("2027-01-02T03:04:05.000000006Z a b\n")).expect("an entry");
        assert_eq!((whole.text.as_slice(), whole.partial), (&b"a b"[..], false));
        assert_eq!(
            (whole.stream, whole.at.subsec_nanosecond()),
            (Stream::Stderr, 6)
        );
        let part = Entry::of(&output("2027-01-02T03:04:05Z a")).expect("an entry");
        assert!(part.partial);
        assert_eq!(Entry::of(&output("no time")), None);
    }

    #[test]
    fn what_comes_once_more_is_known_even_when_many_have_one_time() {
        let mut cursor = Cursor::default();
        let read = [
            entry(5, Stream::Stdout),
            entry(7, Stream::Stdout),
            entry(7, Stream::Stdout),
        ];
        assert!(read.iter().all(|entry| cursor.is_new(entry)));
        cursor.begin_again();
        assert!(!read.iter().any(|entry| cursor.is_new(entry)));
        assert!(
            cursor.is_new(&entry(7, Stream::Stdout)),
            "a third of one time"
        );
    }

    #[test]
    fn one_stream_says_nothing_of_the_other() {
        let mut cursor = Cursor::default();
        assert!(cursor.is_new(&entry(9, Stream::Stdout)));
        assert!(cursor.is_new(&entry(8, Stream::Stderr)));
        cursor.begin_again();
        assert!(!cursor.is_new(&entry(8, Stream::Stderr)));
        assert!(cursor.is_new(&entry(9, Stream::Stderr)));
    }
}
