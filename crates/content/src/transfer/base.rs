//! Content of the store that is read at any place: bases of patches, and what is sent in segments.

use std::fs::File;
use std::ops::Range;
use std::os::unix::fs::FileExt as _;

use landfall_model::Digest;

use crate::blob::{self, Form};
use crate::error::{ContentError, Context as _};
use crate::reader::{BlobReader, Outcome};
use crate::store::ContentStore;

/// Content as it is, checked against its digest when it was opened.
pub(super) struct Unpacked {
    digest: Digest,
    file: File,
}

impl Unpacked {
    /// Opens the content `digest` of `size` bytes; `None` when the store lacks it. Compressed
    /// content is unpacked into a file without a name.
    pub fn open(
        store: &ContentStore,
        digest: &Digest,
        size: u64,
    ) -> Result<Option<Self>, ContentError> {
        let Some((at, form)) = blob::find(&store.blobs(), digest) else {
            return Ok(None);
        };
        let mut reader = BlobReader::new(store);
        let digest = *digest;
        if form == Form::Raw {
            let file = File::open(&at).context("open", &at)?;
            reader.check(&digest, &at, form)?;
            let length = file.metadata().context("read", &at)?.len();
            return match length == size {
                true => Ok(Some(Self { digest, file })),
                false => Err(ContentError::WrongSize(digest)),
            };
        }
        let temp = store.temp();
        let mut file = tempfile::tempfile_in(&temp).context("make a file in", &temp)?;
        match reader.extract(&digest, size, &mut file, &temp)? {
            Outcome::Absent => Ok(None),
            Outcome::Copied | Outcome::Reflinked => Ok(Some(Self { digest, file })),
        }
    }

    /// These bytes of it.
    pub fn read(&self, range: Range<u64>) -> Result<Vec<u8>, ContentError> {
        let mut bytes = vec![0; (range.end - range.start) as usize];
        let place = std::path::Path::new("the store");
        self.file
            .read_exact_at(&mut bytes, range.start)
            .context("read content of", place)?;
        Ok(bytes)
    }
}

/// Bases, the last of which stays open: segments of one file come one after the other.
pub(super) struct Bases<'a> {
    store: &'a ContentStore,
    last: Option<Unpacked>,
}

impl<'a> Bases<'a> {
    pub fn new(store: &'a ContentStore) -> Self {
        Self { store, last: None }
    }

    /// These bytes of the content `digest` of `size` bytes; `None` when the store lacks it.
    pub fn read(
        &mut self,
        digest: &Digest,
        size: u64,
        range: Range<u64>,
    ) -> Result<Option<Vec<u8>>, ContentError> {
        if self.last.as_ref().is_none_or(|last| last.digest != *digest) {
            self.last = Unpacked::open(self.store, digest, size)?;
        }
        self.last.as_ref().map(|base| base.read(range)).transpose()
    }
}
