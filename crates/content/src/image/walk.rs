//! Following a tar stream, part by part, without changing or losing a byte of it.
//!
//! Nothing in here refuses an archive. Where a stream cannot be followed any further, the rest of it
//! is passed on as it is: whoever puts the parts together has the stream again, always. How well it
//! is followed only decides how well content is told apart.

use std::io::{self, Read};

use tar::{EntryType, Header};

use crate::batch::fill;

/// The unit of archives: headers are one block, content is padded to whole ones.
pub(crate) const BLOCK: usize = 512;
/// How much of what is no content is passed on at a time.
const PIECE: usize = 64 << 10;
/// Extended headers longer than this are passed on, and not read: those that matter are short.
const MAX_EXTENDED: u64 = 64 << 10;
/// Where a header of a sparse file, and a block that continues it, say that another one follows.
const SPARSE_FLAG: usize = 482;
const SPARSE_BLOCK_FLAG: usize = 504;

/// A part of the stream. All parts in their order are the stream.
#[derive(Debug)]
pub(crate) enum Part<'a> {
    /// The header of an entry.
    Header(&'a [u8; BLOCK]),
    /// Names, attributes, padding, the end of the archive, whatever follows it.
    Other(&'a [u8]),
    /// The content of an entry comes now, so many bytes as its header says. What is not read through
    /// [`TarWalk::content`] comes as [`Part::Other`].
    Content(u64),
}

/// How a stream ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    /// Between two entries.
    Whole,
    /// Before the end of an entry.
    Truncated,
    /// With something that is no entry.
    Lost,
}

#[derive(Debug, Clone, Copy)]
enum State {
    Header,
    /// Bytes of an extended header.
    Extended(u64),
    /// Blocks that say where the holes of a sparse file are; then so much content.
    SparseMap(u64),
    /// Content that has not been announced yet.
    Announce(u64),
    Content(u64),
    Padding(u64),
    /// Not followed any more.
    Lost,
}

/// A tar stream on its way.
#[derive(Debug)]
pub(crate) struct TarWalk<R> {
    source: R,
    state: State,
    buffer: Vec<u8>,
    /// What has been seen of a POSIX extended header that may tell the size of the next entry.
    extended: Option<Vec<u8>>,
    /// The size of the next entry, where an extended header tells it.
    size: Option<u64>,
    /// Of the content under way.
    padding: u64,
    end: End,
}

impl<R: Read> TarWalk<R> {
    pub(crate) fn new(source: R) -> Self {
        Self {
            source,
            state: State::Header,
            buffer: vec![0; PIECE],
            extended: None,
            size: None,
            padding: 0,
            end: End::Whole,
        }
    }

    /// The next part; `None` at the end of the stream.
    pub(crate) fn next_part(&mut self) -> io::Result<Option<Part<'_>>> {
        match self.state {
            State::Header => self.header(),
            State::Extended(left) => self.extended(left),
            State::SparseMap(size) => self.sparse_map(size),
            State::Announce(size) => {
                self.state = State::Content(size);
                Ok(Some(Part::Content(size)))
            }
            State::Content(0) => {
                self.state = match self.padding {
                    0 => State::Header,
                    padding => State::Padding(padding),
                };
                self.next_part()
            }
            State::Content(left) => {
                let read = self.piece(left)?;
                self.state = State::Content(left - read as u64);
                Ok(self.other(read))
            }
            State::Padding(0) => {
                self.state = State::Header;
                self.next_part()
            }
            State::Padding(left) => {
                let read = self.piece(left)?;
                self.state = State::Padding(left - read as u64);
                Ok(self.other(read))
            }
            State::Lost => {
                let read = self.piece(u64::MAX)?;
                Ok(self.other(read))
            }
        }
    }

    /// The content that was announced.
    pub(crate) fn content(&mut self) -> Content<'_, R> {
        Content(self)
    }

    /// How the stream ended, once it has.
    pub(crate) fn end(&self) -> End {
        self.end
    }

    fn header(&mut self) -> io::Result<Option<Part<'_>>> {
        let read = fill(&mut self.source, &mut self.buffer[..BLOCK])?;
        let Some(block) = self.buffer.first_chunk::<BLOCK>().filter(|_| read == BLOCK) else {
            if read > 0 {
                self.end = End::Truncated;
                self.state = State::Lost;
            }
            return Ok(self.other(read));
        };
        if is_zero(block) {
            return Ok(self.other(BLOCK));
        }
        let Some(state) = state_after(block, self.size) else {
            self.end = End::Lost;
            self.state = State::Lost;
            return Ok(self.other(BLOCK));
        };
        match state {
            State::Extended(size) => {
                let tells = kind(block) == EntryType::XHeader && size <= MAX_EXTENDED;
                self.extended = tells.then(Vec::new);
            }
            State::Announce(size) | State::SparseMap(size) => {
                self.size = None;
                self.padding = padding(size);
            }
            _ => self.size = None,
        }
        self.state = match state {
            State::Announce(0) => State::Header,
            state => state,
        };
        Ok(self.buffer.first_chunk().map(Part::Header))
    }

    fn extended(&mut self, left: u64) -> io::Result<Option<Part<'_>>> {
        if left == 0 {
            if let Some(records) = self.extended.take() {
                self.size = size_record(&records).or(self.size);
            }
            self.state = State::Header;
            return self.next_part();
        }
        let read = self.piece(left)?;
        if let Some(extended) = &mut self.extended {
            extended.extend_from_slice(&self.buffer[..read]);
        }
        self.state = State::Extended(left - read as u64);
        Ok(self.other(read))
    }

    fn sparse_map(&mut self, size: u64) -> io::Result<Option<Part<'_>>> {
        let read = self.piece(BLOCK as u64)?;
        if read < BLOCK {
            self.end = End::Truncated;
        }
        if self.buffer[SPARSE_BLOCK_FLAG] == 0 {
            self.state = State::Announce(size);
        }
        Ok(self.other(read))
    }

    /// Reads what is left, but no more than a piece, into the buffer.
    fn piece(&mut self, left: u64) -> io::Result<usize> {
        let most = usize::try_from(left).unwrap_or(PIECE).min(PIECE);
        let read = fill(&mut self.source, &mut self.buffer[..most])?;
        if read < most && !matches!(self.state, State::Lost) {
            self.end = End::Truncated;
        }
        Ok(read)
    }

    fn other(&self, read: usize) -> Option<Part<'_>> {
        (read > 0).then(|| Part::Other(&self.buffer[..read]))
    }
}

/// The content of one entry. It may end early: when the stream does.
pub(crate) struct Content<'a, R>(&'a mut TarWalk<R>);

impl<R: Read> Read for Content<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let State::Content(left) = self.0.state else {
            return Ok(0);
        };
        let most = buffer
            .len()
            .min(usize::try_from(left).unwrap_or(usize::MAX));
        let read = self.0.source.read(&mut buffer[..most])?;
        if read == 0 && most > 0 {
            self.0.end = End::Truncated;
        }
        self.0.state = State::Content(left - read as u64);
        Ok(read)
    }
}

/// Whether a stream that begins with this block is an archive: an empty one is all zero.
pub(crate) fn begins_archive(block: &[u8; BLOCK]) -> bool {
    is_zero(block) || has_checksum(block)
}

/// What follows a header; `None` when it is none.
fn state_after(block: &[u8; BLOCK], told: Option<u64>) -> Option<State> {
    if !has_checksum(block) {
        return None;
    }
    let header = Header::from_byte_slice(block);
    let size = header.entry_size().ok()?;
    let kind = header.entry_type();
    if kind == EntryType::XHeader
        || kind == EntryType::XGlobalHeader
        || kind == EntryType::GNULongName
        || kind == EntryType::GNULongLink
    {
        return Some(State::Extended(size.checked_add(padding(size))?));
    }
    if has_no_content(kind) {
        return Some(State::Header);
    }
    let size = told.unwrap_or(size);
    size.checked_add(padding(size))?;
    if kind == EntryType::GNUSparse && block[SPARSE_FLAG] != 0 {
        return Some(State::SparseMap(size));
    }
    Some(State::Announce(size))
}

/// Kinds that have no content, whatever size their header tells: so the engine reads them.
fn has_no_content(kind: EntryType) -> bool {
    kind.is_hard_link()
        || kind.is_symlink()
        || kind.is_character_special()
        || kind.is_block_special()
        || kind.is_dir()
        || kind.is_fifo()
}

fn kind(block: &[u8; BLOCK]) -> EntryType {
    Header::from_byte_slice(block).entry_type()
}

/// Whether the sum of the bytes is the one that they tell, their own field counted as blanks.
fn has_checksum(block: &[u8; BLOCK]) -> bool {
    const FIELD: std::ops::Range<usize> = 148..156;
    let Ok(told) = Header::from_byte_slice(block).cksum() else {
        return false;
    };
    let value = |(at, byte): (usize, &u8)| match FIELD.contains(&at) {
        true => u32::from(b' '),
        false => u32::from(*byte),
    };
    block.iter().enumerate().map(value).sum::<u32>() == told
}

fn is_zero(block: &[u8; BLOCK]) -> bool {
    block.iter().all(|byte| *byte == 0)
}

fn padding(size: u64) -> u64 {
    size.wrapping_neg() % BLOCK as u64
}

/// The size that an extended header tells, if it does.
fn size_record(records: &[u8]) -> Option<u64> {
    let end = records.iter().position(|byte| *byte == 0);
    let records = &records[..end.unwrap_or(records.len())];
    let size = |record: tar::PaxExtension<'_>| match record.key() {
        Ok("size") => record.value().ok()?.parse().ok(),
        _ => None,
    };
    tar::PaxExtensions::new(records)
        .flatten()
        .filter_map(size)
        .last()
}
