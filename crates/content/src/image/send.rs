//! The side of a transfer that has the image.

use std::collections::{BTreeSet, HashSet};
use std::io::Write;

use landfall_model::Digest;

use super::error::ImageError;
use super::join::ObjectReader;
use super::object::Object;
use crate::hold::Hold;
use crate::store::ContentStore;

/// zstd's own default; a link that is faster than this is not what transfers wait for.
const LEVEL: i32 = 3;

/// An image that is being sent. Nothing of it goes meanwhile.
#[derive(Debug)]
pub struct ImageSender<'a> {
    store: &'a ContentStore,
    id: Digest,
    root: Object,
    objects: BTreeSet<Digest>,
    _hold: Hold,
}

impl ContentStore {
    /// Begins to send an image.
    ///
    /// # Errors
    /// When the store does not hold all of it.
    pub fn send_image(&self, id: &Digest) -> Result<ImageSender<'_>, ImageError> {
        let hold = self.hold(id)?;
        let root = self.image_root(id)?;
        let mut objects = BTreeSet::new();
        let mut lacks = None;
        self.visit(id, root, &mut HashSet::new(), |object, is_there| {
            objects.insert(object.digest);
            if !is_there {
                lacks = Some(object.digest);
            }
        })?;
        match lacks {
            Some(lacking) => Err(ImageError::NoObject(lacking)),
            None => Ok(ImageSender {
                store: self,
                id: *id,
                root,
                objects,
                _hold: hold,
            }),
        }
    }
}

impl ImageSender<'_> {
    /// What the other side has to be told to begin: see [`ContentStore::receive_image`].
    pub fn root(&self) -> Object {
        self.root
    }

    /// Writes objects in this order, as one zstd frame.
    ///
    /// # Errors
    /// When one is not of this image, is damaged, or `out` cannot be written.
    pub fn send(&self, objects: &[Object], out: &mut dyn Write) -> Result<(), ImageError> {
        let failed = || ImageError::stream("send an image");
        let _shared = self.store.share()?;
        let mut packed = zstd::stream::write::Encoder::new(out, LEVEL).map_err(failed())?;
        let mut reader = ObjectReader::new(self.store);
        for object in objects {
            if !self.objects.contains(&object.digest) {
                return Err(ImageError::NotOfImage {
                    image: self.id,
                    object: object.digest,
                });
            }
            packed
                .write_all(object.digest.as_bytes())
                .map_err(failed())?;
            if !reader.write_content(object, &mut packed)? {
                return Err(ImageError::NoObject(object.digest));
            }
        }
        let out = packed.finish().map_err(failed())?;
        out.flush().map_err(failed())
    }
}
