//! The side of a transfer that wants the tree: taking frames.

use std::io::Read;

use landfall_model::Digest;

use super::SEGMENT;
use super::base::Bases;
use super::contents::Contents;
use super::error::TransferError;
use super::frame::{self, Frame, Pack, Piece, Segment};
use super::offer;
use super::part::Part;
use super::patch;
use super::wants::Base;
use crate::batch::{Batch, BlobWriter};
use crate::blob;
use crate::parallel::for_each;
use crate::store::ContentStore;

/// So much content waits at most until it is made durable and visible together.
const TOGETHER: u64 = 16 << 20;

/// What came in one stream.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Received {
    /// Bytes of content, of whole files and of segments.
    pub bytes: u64,
}

impl ContentStore {
    /// Takes content of an offered tree until the end that the stream marks. What came whole is kept
    /// even when the rest does not come. No lock is held while it waits for the other side, so that
    /// a slow one hinders nobody.
    ///
    /// # Errors
    /// When the tree was not offered, the stream breaks off, what comes is not of the tree or not
    /// what its digest says, or the disk is full. Nothing of that is visible.
    pub fn receive_blobs(
        &self,
        tree: &Digest,
        input: &mut dyn Read,
    ) -> Result<Received, TransferError> {
        let contents = Contents::of(&offer::load(self, tree)?)?;
        let batch = Batch::new(self)?;
        let mut intake = Intake {
            store: self,
            tree,
            contents,
            batch: &batch,
            writer: BlobWriter::new(&batch)?,
            bases: Bases::new(self),
            waiting: 0,
            received: Received::default(),
        };
        let taken = intake.take_all(input);
        let kept = intake.publish();
        taken?;
        kept?;
        Ok(intake.received)
    }
}

struct Intake<'a> {
    store: &'a ContentStore,
    tree: &'a Digest,
    contents: Contents,
    batch: &'a Batch<'a>,
    writer: BlobWriter<'a>,
    bases: Bases<'a>,
    /// Bytes that are in the batch and not published.
    waiting: u64,
    received: Received,
}

impl Intake<'_> {
    fn take_all(&mut self, input: &mut dyn Read) -> Result<(), TransferError> {
        let found = frame::read_head(input)?;
        if found != *self.tree {
            let expected = *self.tree;
            return Err(TransferError::OtherTree { expected, found });
        }
        loop {
            let frame = Frame::read(input)?;
            let _shared = self.store.share()?;
            match frame {
                Frame::Pack(pack) => self.take_pack(&pack)?,
                Frame::Piece(piece) => self.take_piece(&piece)?,
                Frame::End => return Ok(()),
            }
            offer::touch(self.store, self.tree)?;
            if self.waiting >= TOGETHER {
                self.publish_shared()?;
            }
        }
    }

    fn take_pack(&mut self, pack: &Pack) -> Result<(), TransferError> {
        let content = unpack(&pack.packed, &[], pack.content)?;
        let short = || TransferError::Damaged("a pack is too short");
        let (count, rest) = content.split_first_chunk().ok_or_else(short)?;
        let count = u32::from_le_bytes(*count) as usize;
        let numbers = count.checked_mul(4).ok_or_else(short)?;
        let (numbers, mut rest) = rest.split_at_checked(numbers).ok_or_else(short)?;
        let numbers = numbers.as_chunks::<4>().0.iter();
        let files = numbers.map(|number| self.content(u32::from_le_bytes(*number)));
        let files: Vec<(Digest, u64)> = files.collect::<Result<_, _>>()?;
        let sizes = files.iter().map(|(_, size)| *size);
        if sizes.fold(0, u64::saturating_add) != rest.len() as u64 {
            return Err(TransferError::Damaged("a pack does not hold its files"));
        }
        let mut contents = Vec::with_capacity(files.len());
        for (digest, size) in files {
            let (file, after) = rest.split_at(size as usize);
            proved(&digest, file)?;
            contents.push((digest, file));
            rest = after;
        }
        // Small files cost their making, which threads can share.
        for_each(
            &contents,
            || BlobWriter::new(self.batch),
            |writer, (digest, file)| writer.add_known(*digest, file),
        )?;
        self.kept(contents.iter().map(|(_, file)| file.len()).sum());
        Ok(())
    }

    fn take_piece(&mut self, piece: &Piece) -> Result<(), TransferError> {
        let (digest, size) = self.content(piece.number)?;
        let offset = piece.segment.map_or(0, |segment| segment.offset);
        let is_place = match piece.segment {
            Some(_) => size > SEGMENT && offset < size && offset.is_multiple_of(SEGMENT),
            None => size <= SEGMENT,
        };
        if !is_place {
            return Err(TransferError::Damaged(
                "a file does not come in its segments",
            ));
        }
        let length = (size - offset).min(SEGMENT) as usize;
        let base = match &piece.base {
            None => Vec::new(),
            Some(base) => self.base(&digest, base, offset)?,
        };
        let content = unpack(&piece.packed, &base, length)?;
        match piece.segment {
            None => self.keep(digest, &content),
            Some(segment) => self.take_segment((digest, size), segment, &content),
        }
    }

    fn base(&mut self, blob: &Digest, base: &Base, offset: u64) -> Result<Vec<u8>, TransferError> {
        let range = patch::range(offset, base.size);
        let found = self.bases.read(&base.digest, base.size, range)?;
        found.ok_or(TransferError::NoBase {
            blob: *blob,
            base: base.digest,
        })
    }

    fn take_segment(
        &mut self,
        (digest, size): (Digest, u64),
        segment: Segment,
        content: &[u8],
    ) -> Result<(), TransferError> {
        proved(&segment.digest, content)?;
        self.received.bytes += content.len() as u64;
        let mut part = Part::open(self.store, &digest)?;
        if blob::find(&self.store.blobs(), &digest).is_some() {
            // Another transfer was quicker.
            return Ok(part.remove()?);
        }
        part.add(segment.offset, content)?;
        if segment.offset + (content.len() as u64) < size {
            return Ok(());
        }
        part.complete(size, &mut self.writer)?;
        self.publish_shared()?;
        Ok(part.remove()?)
    }

    /// Takes the content of a whole file.
    fn keep(&mut self, digest: Digest, content: &[u8]) -> Result<(), TransferError> {
        proved(&digest, content)?;
        self.writer.add_known(digest, content)?;
        self.kept(content.len());
        Ok(())
    }

    /// So many bytes are in the batch.
    fn kept(&mut self, bytes: usize) {
        self.waiting += bytes as u64;
        self.received.bytes += bytes as u64;
    }

    fn content(&self, number: u32) -> Result<(Digest, u64), TransferError> {
        let content = self.contents.get(number);
        content.ok_or(TransferError::Damaged(
            "it holds a file that the tree does not have",
        ))
    }

    fn publish(&mut self) -> Result<(), TransferError> {
        let _shared = self.store.share()?;
        self.publish_shared()
    }

    /// Makes durable and visible what waits. The store's lock is shared already.
    fn publish_shared(&mut self) -> Result<(), TransferError> {
        self.batch.publish()?;
        self.waiting = 0;
        Ok(())
    }
}

/// What a frame holds: exactly so many bytes.
fn unpack(packed: &[u8], base: &[u8], length: usize) -> Result<Vec<u8>, TransferError> {
    let content = patch::unpack(packed, base, length).ok();
    let content = content.filter(|content| content.len() == length);
    content.ok_or(TransferError::Damaged(
        "a frame does not hold what it announces",
    ))
}

fn proved(expected: &Digest, content: &[u8]) -> Result<(), TransferError> {
    let (expected, found) = (*expected, Digest::of(content));
    match found == expected {
        true => Ok(()),
        false => Err(TransferError::WrongContent { expected, found }),
    }
}
