//! Bodies: where they end, and which bytes of them are content.

use super::fields::parse_fields;
use super::{Field, Reject};

/// How a body is framed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BodyKind {
    /// There is none.
    Empty,
    /// So many bytes, more than none.
    Length(u64),
    /// `Transfer-Encoding: chunked`.
    Chunked,
    /// All that comes until the connection is closed; responses only.
    UntilClose,
}

/// The next bytes of a body, as [`Decoder::next`] classes them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Piece {
    /// So many bytes of content.
    Data(usize),
    /// So many bytes of chunk framing.
    Framing(usize),
    /// So many bytes of the trailer section, kept by the decoder.
    Trailers(usize),
}

/// What [`Decoder::advance`] made of its input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Advance {
    /// So many bytes can be passed on as they are, framing included.
    pub pass: usize,
    /// So many bytes are done with; those beyond `pass` are trailers, kept by the decoder.
    pub consumed: usize,
}

/// Longest line that introduces a chunk, extensions included. Extensions are unused in practice.
const MAX_CHUNK_LINE: u32 = 256;
/// Longest trailer section in bytes.
const MAX_TRAILERS: usize = 8 * 1024;

/// Follows a body through bytes that arrive in any pieces.
#[derive(Debug)]
pub struct Decoder {
    state: State,
    trailers: Vec<u8>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Done,
    Length(u64),
    UntilClose,
    Size { value: u64, digits: u32 },
    Extension { value: u64, length: u32 },
    SizeLineFeed(u64),
    Data(u64),
    DataReturn,
    DataLineFeed,
    Trailers,
}

impl Decoder {
    /// For a body of this kind.
    pub fn new(kind: BodyKind) -> Self {
        let state = match kind {
            BodyKind::Empty | BodyKind::Length(0) => State::Done,
            BodyKind::Length(length) => State::Length(length),
            BodyKind::Chunked => State::START,
            BodyKind::UntilClose => State::UntilClose,
        };
        Self {
            state,
            trailers: Vec::new(),
        }
    }

    /// Whether the body has ended.
    pub fn is_done(&self) -> bool {
        self.state == State::Done
    }

    /// Whether the end of the stream is the body's proper end.
    pub fn ends_with_stream(&self) -> bool {
        self.state == State::UntilClose
    }

    /// Classes the next bytes. `None` when the input is used up or the body has ended.
    ///
    /// # Errors
    /// When a chunk is malformed.
    pub fn next(&mut self, input: &[u8]) -> Result<Option<Piece>, Reject> {
        if input.is_empty() {
            return Ok(None);
        }
        match self.state {
            State::Done => Ok(None),
            State::UntilClose => Ok(Some(Piece::Data(input.len()))),
            State::Length(left) => {
                let (used, left) = take(left, input.len());
                self.state = if left == 0 {
                    State::Done
                } else {
                    State::Length(left)
                };
                Ok(Some(Piece::Data(used)))
            }
            State::Data(left) => {
                let (used, left) = take(left, input.len());
                self.state = if left == 0 {
                    State::DataReturn
                } else {
                    State::Data(left)
                };
                Ok(Some(Piece::Data(used)))
            }
            State::Trailers => self.read_trailers(input).map(Some),
            _ => self.read_framing(input).map(Some),
        }
    }

    /// Takes as much input as belongs to the body, for a consumer that passes framing on.
    ///
    /// # Errors
    /// When a chunk is malformed.
    pub fn advance(&mut self, input: &[u8]) -> Result<Advance, Reject> {
        let mut advance = Advance {
            pass: 0,
            consumed: 0,
        };
        while let Some(piece) = self.next(&input[advance.consumed..])? {
            match piece {
                Piece::Data(length) | Piece::Framing(length) => {
                    advance.consumed += length;
                    advance.pass = advance.consumed;
                }
                Piece::Trailers(length) => advance.consumed += length,
            }
        }
        Ok(advance)
    }

    /// After the end of a chunked body: its trailer section without fields that may not stand
    /// there, and the blank line. Empty for other bodies.
    pub fn trailer_section(&self) -> Vec<u8> {
        let mut section = Vec::new();
        if self.trailers.is_empty() {
            return section;
        }
        let mut fields = Vec::new();
        if parse_fields(&self.trailers, 0, &mut fields).is_ok() {
            for field in fields {
                self.copy_trailer(&field, &mut section);
            }
        }
        section.extend_from_slice(b"\r\n");
        section
    }

    fn copy_trailer(&self, field: &Field, section: &mut Vec<u8>) {
        if field.known.is_allowed_in_trailers() {
            section.extend_from_slice(field.name.of(&self.trailers));
            section.extend_from_slice(b": ");
            section.extend_from_slice(field.value.of(&self.trailers));
            section.extend_from_slice(b"\r\n");
        }
    }

    fn read_framing(&mut self, input: &[u8]) -> Result<Piece, Reject> {
        let mut used = 0;
        for &byte in input {
            self.state = self.state.after(byte)?;
            used += 1;
            if matches!(self.state, State::Data(_) | State::Trailers) {
                break;
            }
        }
        Ok(Piece::Framing(used))
    }

    fn read_trailers(&mut self, input: &[u8]) -> Result<Piece, Reject> {
        let mut used = 0;
        for line in input.split_inclusive(|&byte| byte == b'\n') {
            if self.trailers.len() + line.len() > MAX_TRAILERS {
                return Err(Reject::Chunk);
            }
            self.trailers.extend_from_slice(line);
            used += line.len();
            if line.ends_with(b"\n") && !self.trailers.ends_with(b"\r\n") {
                return Err(Reject::BareLineFeed);
            }
            if self.trailers == b"\r\n" || self.trailers.ends_with(b"\r\n\r\n") {
                parse_fields(&self.trailers, 0, &mut Vec::new())?;
                self.state = State::Done;
                break;
            }
        }
        Ok(Piece::Trailers(used))
    }
}

impl State {
    const START: Self = Self::Size {
        value: 0,
        digits: 0,
    };

    /// The state after one byte of framing.
    fn after(self, byte: u8) -> Result<Self, Reject> {
        match (self, byte) {
            (Self::Size { value, digits }, _) if byte.is_ascii_hexdigit() => {
                // Sixteen digits fill 64 bits; fifteen leave no way to overflow.
                if digits >= 15 {
                    return Err(Reject::Chunk);
                }
                Ok(Self::Size {
                    value: value << 4 | u64::from(hex(byte)),
                    digits: digits + 1,
                })
            }
            (Self::Size { value, digits: 1.. } | Self::Extension { value, .. }, b'\r') => {
                Ok(Self::SizeLineFeed(value))
            }
            (Self::Size { value, digits: 1.. }, b';') => Ok(Self::Extension { value, length: 0 }),
            (Self::Extension { value, length }, b'\t' | 0x20..=0x7e | 0x80..)
                if length < MAX_CHUNK_LINE =>
            {
                Ok(Self::Extension {
                    value,
                    length: length + 1,
                })
            }
            (Self::SizeLineFeed(0), b'\n') => Ok(Self::Trailers),
            (Self::SizeLineFeed(value), b'\n') => Ok(Self::Data(value)),
            (Self::DataReturn, b'\r') => Ok(Self::DataLineFeed),
            (Self::DataLineFeed, b'\n') => Ok(Self::START),
            _ => Err(Reject::Chunk),
        }
    }
}

fn hex(byte: u8) -> u8 {
    match byte {
        b'0'..=b'9' => byte - b'0',
        _ => (byte | 0x20) - b'a' + 10,
    }
}

/// Takes up to `available` of `left`: how many were taken, and how many are left then.
fn take(left: u64, available: usize) -> (usize, u64) {
    let taken = left.min(available as u64);
    (taken as usize, left - taken)
}
