//! The stream of a transfer.
//!
//! The form, all integers little-endian: `LFMOVE`, format `u16`, the tree's digest `[32]`, then frames.
//! Contents are named by their number in [`Contents`](super::contents::Contents).
//!
//! - `p`: small files together. Bytes of content `u32`, bytes of the zstd frame `u32`, that frame. It
//!   holds how many there are `u32`, their numbers `u32` each, and their content one after the other.
//! - `w`: a file. Number `u32`, base, bytes of the zstd frame `u32`, that frame.
//! - `s`: a segment of a large file. Number `u32`, base, offset `u64`, digest of the segment `[32]`,
//!   bytes of the zstd frame `u32`, that frame.
//! - `e`: the end. What follows it on the stream is not read.
//!
//! A base is `0`, or `1, digest [32], size u64`; the zstd frame is then a patch against a part of it.

use std::io::{self, Read};

use landfall_model::Digest;

use super::SEGMENT;
use super::error::TransferError;
use super::patch;
use super::wants::Base;

/// The format of streams that this build writes, and the only one that it reads.
pub const TRANSFER_FORMAT: u16 = 1;

const MAGIC: &[u8; 6] = b"LFMOVE";
/// Bytes that the content of a pack has at most, its numbers included.
pub(super) const MAX_PACK: usize = 3 << 20;

/// A part of the stream.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Frame {
    /// Small files.
    Pack(Pack),
    /// A file, or a segment of one.
    Piece(Piece),
    /// Nothing more comes.
    End,
}

#[derive(Debug, PartialEq, Eq)]
pub(super) struct Pack {
    /// Bytes of what it holds.
    pub content: usize,
    pub packed: Vec<u8>,
}

#[derive(Debug, PartialEq, Eq)]
pub(super) struct Piece {
    pub number: u32,
    pub base: Option<Base>,
    /// Which segment it is; `None` for a whole file.
    pub segment: Option<Segment>,
    pub packed: Vec<u8>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Segment {
    pub offset: u64,
    pub digest: Digest,
}

/// What a stream begins with.
pub(super) fn head(tree: &Digest) -> Vec<u8> {
    let mut out = MAGIC.to_vec();
    out.extend_from_slice(&TRANSFER_FORMAT.to_le_bytes());
    out.extend_from_slice(tree.as_bytes());
    out
}

/// The tree that a stream brings.
pub(super) fn read_head(input: &mut dyn Read) -> Result<Digest, TransferError> {
    if array(input)? != *MAGIC {
        return Err(TransferError::Damaged("it does not begin like a transfer"));
    }
    match u16::from_le_bytes(array(input)?) {
        TRANSFER_FORMAT => Ok(Digest::from_bytes(array(input)?)),
        format => Err(TransferError::UnknownFormat(format)),
    }
}

impl Frame {
    pub fn encode(&self) -> Vec<u8> {
        match self {
            Self::Pack(pack) => {
                let mut out = vec![b'p'];
                out.extend_from_slice(&(pack.content as u32).to_le_bytes());
                counted(&mut out, &pack.packed);
                out
            }
            Self::Piece(piece) => piece.encode(),
            Self::End => vec![b'e'],
        }
    }

    /// Reads one. Takes no more memory than a frame may, whatever the bytes.
    pub fn read(input: &mut dyn Read) -> Result<Self, TransferError> {
        match array(input)? {
            [b'p'] => {
                let content = u32::from_le_bytes(array(input)?) as usize;
                if content > MAX_PACK {
                    return Err(TransferError::Damaged("a pack is too large"));
                }
                let packed = packed(input, content)?;
                Ok(Self::Pack(Pack { content, packed }))
            }
            [kind @ (b'w' | b's')] => Piece::read(kind == b's', input).map(Self::Piece),
            [b'e'] => Ok(Self::End),
            _ => Err(TransferError::Damaged("it has an unknown frame")),
        }
    }
}

impl Piece {
    fn encode(&self) -> Vec<u8> {
        let mut out = vec![if self.segment.is_some() { b's' } else { b'w' }];
        out.extend_from_slice(&self.number.to_le_bytes());
        out.push(self.base.is_some().into());
        if let Some(base) = &self.base {
            out.extend_from_slice(base.digest.as_bytes());
            out.extend_from_slice(&base.size.to_le_bytes());
        }
        if let Some(segment) = &self.segment {
            out.extend_from_slice(&segment.offset.to_le_bytes());
            out.extend_from_slice(segment.digest.as_bytes());
        }
        counted(&mut out, &self.packed);
        out
    }

    fn read(is_segment: bool, input: &mut dyn Read) -> Result<Self, TransferError> {
        let number = u32::from_le_bytes(array(input)?);
        let base = match array(input)? {
            [0] => None,
            [1] => Some(Base {
                digest: Digest::from_bytes(array(input)?),
                size: u64::from_le_bytes(array(input)?),
            }),
            _ => return Err(TransferError::Damaged("it has an unknown encoding")),
        };
        let segment = match is_segment {
            true => Some(Segment {
                offset: u64::from_le_bytes(array(input)?),
                digest: Digest::from_bytes(array(input)?),
            }),
            false => None,
        };
        let packed = packed(input, SEGMENT as usize)?;
        Ok(Self {
            number,
            base,
            segment,
            packed,
        })
    }
}

/// `bytes` are the packed form of a segment or a pack.
fn counted(out: &mut Vec<u8>, bytes: &[u8]) {
    out.extend_from_slice(&(bytes.len() as u32).to_le_bytes());
    out.extend_from_slice(bytes);
}

/// The packed form of no more than `content` bytes.
fn packed(input: &mut dyn Read, content: usize) -> Result<Vec<u8>, TransferError> {
    let length = u32::from_le_bytes(array(input)?) as usize;
    if length > patch::packed_limit(content) {
        return Err(TransferError::Damaged("a frame is too large"));
    }
    // Grows with what comes: a length is not to be believed before that.
    let mut packed = Vec::new();
    let read = input.take(length as u64).read_to_end(&mut packed);
    match read.map_err(TransferError::receiving)? == length {
        true => Ok(packed),
        false => Err(TransferError::receiving(
            io::ErrorKind::UnexpectedEof.into(),
        )),
    }
}

fn array<const N: usize>(input: &mut dyn Read) -> Result<[u8; N], TransferError> {
    let mut array = [0; N];
    let read = input.read_exact(&mut array);
    read.map_err(TransferError::receiving)?;
    Ok(array)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn piece(base: bool, segment: bool) -> Frame {
        Frame::Piece(Piece {
            number: 7,
            base: base.then(|| Base {
                digest: Digest::of(b"base"),
                size: 99,
            }),
            segment: segment.then(|| Segment {
                offset: SEGMENT,
                digest: Digest::of(b"segment"),
            }),
            packed: vec![1, 2, 3],
        })
    }

    #[test]
    fn frames_read_back_as_they_were_written_and_not_if_they_are_cut() {
        let pack = Frame::Pack(Pack {
            content: 12,
            packed: vec![9; 20],
        });
        let pieces = [(false, false), (false, true), (true, false), (true, true)];
        let pieces = pieces.map(|(base, segment)| piece(base, segment));
        for frame in pieces.into_iter().chain([pack, Frame::End]) {
            let bytes = frame.encode();
            assert_eq!(Frame::read(&mut bytes.as_slice()).unwrap(), frame);
            for length in 0..bytes.len() {
                assert!(Frame::read(&mut &bytes[..length]).is_err());
            }
        }
    }

    #[test]
    fn huge_lengths_and_unknown_kinds_are_refused() {
        let pack = [b"p".as_slice(), &[255; 4], &[0; 100]].concat();
        let packed = [b"p".as_slice(), &[0; 4], &[255; 4], &[0; 100]].concat();
        let whole = [b"w".as_slice(), &[0; 5], &[255; 4], &[0; 100]].concat();
        let encoding = [b"w".as_slice(), &[0; 4], &[2; 100]].concat();
        for bytes in [pack, packed, whole, encoding, b"x".to_vec()] {
            let error = Frame::read(&mut bytes.as_slice()).unwrap_err();
            assert!(matches!(error, TransferError::Damaged(_)), "{error:?}");
        }
    }
}
