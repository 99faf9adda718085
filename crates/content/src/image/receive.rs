//! The side of a transfer that wants the image.
//!
//! It asks in rounds, at most four: for the index, for recipes, for their chunks, for content, each
//! time only for what it lacks. What comes is believed only for its digest.

use std::collections::{BTreeMap, HashSet};
use std::io::{self, BufRead, Read};

use landfall_model::Digest;

use super::error::ImageError;
use super::index::{self, Layer};
use super::join::ObjectReader;
use super::object::Object;
use super::store::IngestedImage;
use crate::batch::{Batch, BlobWriter};
use crate::store::{ContentStore, StoreLock};

/// How far back the sender's compression may refer, as a power of two: a bound for memory.
const WINDOW_LOG: u32 = 23;

/// An image that is being received. While it lives, no garbage is collected, so what has come
/// stays; what came of a transfer that broke off does until the next collection.
#[derive(Debug)]
pub struct ImageReceiver<'a> {
    store: &'a ContentStore,
    id: Digest,
    root: Object,
    /// What needs no proof any more.
    known: BTreeMap<Digest, Layer>,
    /// Recipes of layers of which nothing is missing any more.
    whole: HashSet<Digest>,
    new_bytes: u64,
    _shared: StoreLock,
}

impl ContentStore {
    /// Begins to receive the image `id`, whose sender tells this root.
    ///
    /// # Errors
    /// When the store cannot be read, or the root is none.
    pub fn receive_image(
        &self,
        id: &Digest,
        root: Object,
    ) -> Result<ImageReceiver<'_>, ImageError> {
        if !index::is_sane_size(root.size) {
            return Err(super::join::damaged(&root, "it is too large"));
        }
        Ok(ImageReceiver {
            store: self,
            id: *id,
            root,
            _shared: self.share()?,
            known: self.known_layers()?,
            whole: HashSet::new(),
            new_bytes: 0,
        })
    }
}

impl ImageReceiver<'_> {
    /// What the store lacks of the image, as far as what it has tells. Receive it and ask again,
    /// until nothing is missing.
    ///
    /// # Errors
    /// When what has come is not the image, or the store cannot be read.
    pub fn missing(&mut self) -> Result<Vec<Object>, ImageError> {
        self.store.missing_of(&self.id, self.root, &mut self.whole)
    }

    /// Takes objects that were asked for, in this order. What came whole is kept even when the rest
    /// does not come.
    ///
    /// # Errors
    /// When something else comes, the stream fails, or the disk is full.
    pub fn receive(
        &mut self,
        objects: &[Object],
        input: &mut dyn BufRead,
    ) -> Result<(), ImageError> {
        let batch = Batch::new(self.store)?;
        let taken = take_all(&batch, objects, input);
        self.new_bytes += batch.publish()?;
        taken
    }

    /// Proves every layer that is new here, and makes the image known.
    ///
    /// # Errors
    /// When something is missing, or is not what the image's id says. The store then does not know
    /// the image.
    pub fn finish(mut self) -> Result<IngestedImage, ImageError> {
        if let Some(object) = self.missing()?.first() {
            return Err(ImageError::NoObject(object.digest));
        }
        let mut reader = ObjectReader::new(self.store);
        let index = reader.index(&self.root)?;
        let index = index.ok_or(ImageError::NoObject(self.root.digest))?;
        for layer in index.layers() {
            if self.known.get(&layer.diff_id) != Some(layer) {
                let recipe = reader.recipe(layer)?;
                let recipe = recipe.ok_or(ImageError::NoObject(layer.recipe.digest))?;
                reader.write_layer(layer, &recipe, &mut io::sink())?;
            }
        }
        let scratch = self.store.scratch()?;
        let temp = scratch.path().join("name");
        Ok(IngestedImage {
            id: self.id,
            layers: index.layers().len(),
            new_bytes: self.new_bytes,
            hold: self.store.name_image(&self.id, &self.root, &temp)?,
        })
    }
}

fn take_all(
    batch: &Batch<'_>,
    objects: &[Object],
    input: &mut dyn BufRead,
) -> Result<(), ImageError> {
    let mut writer = BlobWriter::new(batch)?;
    let mut unpacked = zstd::stream::read::Decoder::with_buffer(input)
        .map_err(receiving())?
        .single_frame();
    unpacked.window_log_max(WINDOW_LOG).map_err(receiving())?;
    for object in objects {
        take(&mut writer, object, &mut unpacked)?;
    }
    // The end of the frame is part of it: what follows on the stream is not ours.
    match unpacked.read(&mut [0]).map_err(receiving())? {
        0 => Ok(()),
        _ => Err(ImageError::Stream {
            operation: "receive an image",
            source: io::Error::other("more came than was asked for"),
        }),
    }
}

fn take(
    writer: &mut BlobWriter<'_>,
    object: &Object,
    input: &mut dyn Read,
) -> Result<(), ImageError> {
    let mut digest = [0; 32];
    input.read_exact(&mut digest).map_err(receiving())?;
    let found = Digest::from_bytes(digest);
    let expected = object.digest;
    if found != expected {
        return Err(ImageError::Unasked { expected, found });
    }
    let taken = writer.add_stream(input, object.size);
    let (found, size) = taken.map_err(ImageError::taking("receive an image"))?;
    if size < object.size {
        return Err(receiving()(io::ErrorKind::UnexpectedEof.into()));
    }
    match found == expected {
        true => Ok(()),
        false => Err(ImageError::Unasked { expected, found }),
    }
}

fn receiving() -> impl FnOnce(io::Error) -> ImageError {
    ImageError::stream("receive an image")
}
