//! The side of a transfer that has the tree.

use std::io::Write;

use landfall_model::Digest;

use super::SEGMENT;
use super::base::{Bases, Unpacked};
use super::contents::Contents;
use super::error::TransferError;
use super::frame::{self, Frame, Pack, Segment};
use super::pace::Pace;
use super::patch;
use super::plan::{File, Plan, SMALL, in_packs};
use super::wants::TreeWants;
use crate::hold::Hold;
use crate::index::TreeIndex;
use crate::parallel::in_order;
use crate::reader::BlobReader;
use crate::store::ContentStore;

/// Bytes that an index has at most: some 250 000 files.
pub(super) const MAX_INDEX: usize = 32 << 20;
/// A patch that is so many times smaller than its content is not compared with anything.
const CLEARLY_SMALLER: usize = 8;

/// A tree that is being sent. Nothing of it goes meanwhile.
#[derive(Debug)]
pub struct TreeSender<'a> {
    store: &'a ContentStore,
    tree: Digest,
    index: TreeIndex,
    contents: Contents,
    _hold: Hold,
}

/// What was sent.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Sent {
    /// Bytes of content.
    pub content_bytes: u64,
    /// Bytes that they took on the stream.
    pub wire_bytes: u64,
}

impl ContentStore {
    /// Begins to send a tree.
    ///
    /// # Errors
    /// When the store does not hold all of it, or it has too many files.
    pub fn send_tree(&self, digest: &Digest) -> Result<TreeSender<'_>, TransferError> {
        let hold = self.hold(digest)?;
        let index = self.tree(digest)?;
        if index.encode().len() > MAX_INDEX {
            return Err(TransferError::IndexTooLarge { limit: MAX_INDEX });
        }
        let contents = Contents::of(&index)?;
        for (blob, _) in contents.iter() {
            if crate::blob::find(&self.blobs(), blob).is_none() {
                return Err(not_here(digest, blob));
            }
        }
        Ok(TreeSender {
            store: self,
            tree: *digest,
            index,
            contents,
            _hold: hold,
        })
    }
}

impl TreeSender<'_> {
    /// The tree's index, for [`ContentStore::offer_tree`]. Against the first of `bases` that this
    /// store holds it takes only what differs; then the receiver has to hold that tree as well, and
    /// else asks for the index whole: call this without bases.
    ///
    /// # Errors
    /// When a base is damaged.
    pub fn index(&self, bases: &[Digest]) -> Result<Vec<u8>, TransferError> {
        let content = self.index.encode();
        let base = bases.iter().find_map(|base| {
            let bytes = self.store.tree(base).ok()?.encode();
            patch::fits(content.len(), bytes.len()).then_some((base, bytes))
        });
        let (mut out, base) = match base {
            Some((digest, bytes)) => ([&[1], digest.as_bytes().as_slice()].concat(), bytes),
            None => (vec![0], Vec::new()),
        };
        out.extend(patch::pack(&content, &base).map_err(TransferError::sending)?);
        Ok(out)
    }

    /// Writes what is wanted, and the end mark. Tells `progress` after each frame what was sent so
    /// far. A few threads compress; memory is bounded, whatever the size of the tree.
    ///
    /// # Errors
    /// When something is wanted that is not of this tree, content here is damaged, or `out` cannot
    /// be written.
    pub fn send(
        &self,
        wants: &TreeWants,
        out: &mut dyn Write,
        progress: &dyn Fn(Sent),
    ) -> Result<Sent, TransferError> {
        let plan = Plan::new(&self.tree, &self.contents, wants)?;
        let pace = Pace::start();
        let mut line = Line {
            out,
            pace: &pace,
            progress,
            sent: Sent::default(),
        };
        line.write(&frame::head(&self.tree), 0)?;
        // A file whose patch is not worth it travels as if it had no base.
        let mut plain = plan.plain;
        let bases = || Bases::new(self.store);
        in_order(
            &plan.patched,
            bases,
            |bases, file| self.patched(bases, file),
            |file, made| {
                plain.extend(made.is_none().then_some(*file));
                made.map_or(Ok(()), |frame| line.write(&frame, file.size))
            },
        )?;
        let (together, alone) = plain.into_iter().partition(|file| file.size <= SMALL);
        self.plain(together, alone, &mut line)?;
        for file in &plan.large {
            self.segments(file, &mut line)?;
        }
        line.write(&Frame::End.encode(), 0)?;
        line.out.flush().map_err(TransferError::sending)?;
        Ok(line.sent)
    }

    /// Sends files that are no patches: those that go together, and larger ones.
    fn plain(
        &self,
        together: Vec<File<'_>>,
        alone: Vec<File<'_>>,
        line: &mut Line<'_>,
    ) -> Result<(), TransferError> {
        let packs = in_packs(&self.index, together);
        let pace = line.pace;
        in_order(
            &packs,
            || BlobReader::new(self.store),
            |reader, files| self.pack(reader, files, pace),
            |files, frame| line.write(&frame, files.iter().map(|file| file.size).sum()),
        )?;
        in_order(
            &alone,
            || BlobReader::new(self.store),
            |reader, file| self.whole(reader, file, pace),
            |file, frame| line.write(&frame, file.size),
        )
    }

    fn pack(
        &self,
        reader: &mut BlobReader<'_>,
        files: &[File<'_>],
        pace: &Pace,
    ) -> Result<Vec<u8>, TransferError> {
        let mut content = (files.len() as u32).to_le_bytes().to_vec();
        for file in files {
            content.extend_from_slice(&file.number.to_le_bytes());
        }
        for file in files {
            content.extend(self.read(reader, file)?);
        }
        let packed = plain(&content, pace)?;
        let content = content.len();
        Ok(Frame::Pack(Pack { content, packed }).encode())
    }

    fn whole(
        &self,
        reader: &mut BlobReader<'_>,
        file: &File<'_>,
        pace: &Pace,
    ) -> Result<Vec<u8>, TransferError> {
        let content = self.read(reader, file)?;
        let packed = plain(&content, pace)?;
        Ok(file.piece(false, None, packed))
    }

    /// The patch of a file; `None` where it is not worth it, or its base is not here.
    fn patched(
        &self,
        bases: &mut Bases<'_>,
        file: &File<'_>,
    ) -> Result<Option<Vec<u8>>, TransferError> {
        let Some(base) = file.want.base else {
            return Ok(None);
        };
        let range = patch::range(0, base.size);
        let Some(base) = bases.read(&base.digest, base.size, range)? else {
            return Ok(None);
        };
        let content = self.read(&mut BlobReader::new(self.store), file)?;
        let patch = better_patch(&content, &base)?;
        Ok(patch.ok().map(|patch| file.piece(true, None, patch)))
    }

    /// Sends what is left of a large file.
    fn segments(&self, file: &File<'_>, line: &mut Line<'_>) -> Result<(), TransferError> {
        let (digest, size) = (file.want.digest, file.size);
        let content = Unpacked::open(self.store, &digest, size)?;
        let content = content.ok_or_else(|| not_here(&self.tree, &digest))?;
        let base = match file.want.base {
            Some(base) => Unpacked::open(self.store, &base.digest, base.size)?
                .map(|unpacked| (unpacked, base.size)),
            None => None,
        };
        let offsets = (file.want.present..size).step_by(SEGMENT as usize);
        let offsets: Vec<u64> = offsets.collect();
        let length = |offset: u64| (size - offset).min(SEGMENT);
        let pace = line.pace;
        let make = |(): &mut (), offset: &u64| {
            let content = content.read(*offset..*offset + length(*offset))?;
            let segment = Some(Segment {
                offset: *offset,
                digest: Digest::of(&content),
            });
            let made = match &base {
                Some((base, size)) => {
                    let base = base.read(patch::range(*offset, *size))?;
                    better_patch(&content, &base)?
                }
                None => Err(plain(&content, pace)?),
            };
            Ok(match made {
                Ok(patch) => file.piece(true, segment, patch),
                Err(plain) => file.piece(false, segment, plain),
            })
        };
        in_order(
            &offsets,
            || (),
            make,
            |offset, frame| line.write(&frame, length(*offset)),
        )
    }

    fn read(&self, reader: &mut BlobReader<'_>, file: &File<'_>) -> Result<Vec<u8>, TransferError> {
        let content = reader.read(&file.want.digest, file.size)?;
        content.ok_or_else(|| not_here(&self.tree, &file.want.digest))
    }
}

/// The frame of content without a base, as small as the connection leaves time for.
fn plain(content: &[u8], pace: &Pace) -> Result<Vec<u8>, TransferError> {
    patch::pack_at(pace.level(), content, &[]).map_err(TransferError::sending)
}

/// The patch of `content` if it is worth it, else its plain frame: either is as small as it gets.
fn better_patch(content: &[u8], base: &[u8]) -> Result<Result<Vec<u8>, Vec<u8>>, TransferError> {
    let patch = patch::pack(content, base).map_err(TransferError::sending)?;
    if patch.len() < content.len() / CLEARLY_SMALLER {
        return Ok(Ok(patch));
    }
    let plain = patch::pack(content, &[]).map_err(TransferError::sending)?;
    // An eighth less, since beside others plain content becomes smaller still.
    match patch.len() < plain.len() - plain.len() / 8 {
        true => Ok(Ok(patch)),
        false => Ok(Err(plain)),
    }
}

fn not_here(tree: &Digest, blob: &Digest) -> TransferError {
    let (tree, blob) = (*tree, *blob);
    TransferError::NotHere { tree, blob }
}

/// The stream, and what has gone out on it.
struct Line<'a> {
    out: &'a mut dyn Write,
    pace: &'a Pace,
    progress: &'a dyn Fn(Sent),
    sent: Sent,
}

impl Line<'_> {
    fn write(&mut self, bytes: &[u8], content: u64) -> Result<(), TransferError> {
        let written = self.pace.write(self.out, bytes);
        written.map_err(TransferError::sending)?;
        self.sent.content_bytes += content;
        self.sent.wire_bytes += bytes.len() as u64;
        (self.progress)(self.sent);
        Ok(())
    }
}
