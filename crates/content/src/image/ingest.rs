//! Taking an image into the store, as the engine exports it.
//!
//! Docker 20.10 exports a directory for each layer, Docker 28 the layout of the Open Container Initiative; both as
//! a tar stream, in an order of their own. Neither names nor manifests are believed here: what is the
//! configuration and what are the layers is told by their digests, and these by the id of the image
//! that was asked for.

use std::collections::BTreeMap;
use std::io::Read;

use landfall_model::Digest;

use super::error::ImageError;
use super::index::{ImageIndex, Layer, MAX_CONFIG, diff_ids, sha256};
use super::object::{Object, Part};
use super::split::split;
use super::store::IngestedImage;
use super::walk::{BLOCK, Content, End, Part as TarPart, TarWalk, begins_archive};
use crate::batch::{Batch, BlobWriter, fill};
use crate::store::ContentStore;

/// Where exports in the layout of the Open Container Initiative keep what they hold.
const OCI_BLOBS: &[u8] = b"blobs/sha256/";
/// Length of the name of a header.
const NAME: usize = 100;
/// How gzip and zstd begin.
const COMPRESSED: [&[u8]; 2] = [&[0x1f, 0x8b], &[0x28, 0xb5, 0x2f, 0xfd]];

impl ContentStore {
    /// Takes the image `id` into the store, from what `GET /images/{id}/get` of an engine answers.
    /// Reads it once, to its end, and holds no layer in memory. Layers that the store has already
    /// are passed over where their names tell them.
    ///
    /// # Errors
    /// When it cannot be read, is not the export of that image, or the disk is full. The store then
    /// knows no new image.
    pub fn ingest_image(
        &self,
        id: &Digest,
        export: &mut dyn Read,
    ) -> Result<IngestedImage, ImageError> {
        let _shared = self.share()?;
        let batch = Batch::new(self)?;
        let mut import = Import {
            store: self,
            id,
            writer: BlobWriter::new(&batch)?,
            known: self.known_layers()?,
            config: None,
            layers: BTreeMap::new(),
            met_compressed: false,
        };
        import.take_all(export)?;
        let index = import.index()?;
        let bytes = index.encode();
        let root = Object {
            digest: import.writer.add_bytes(&bytes)?,
            size: bytes.len() as u64,
            part: Part::Index,
        };
        let new_bytes = batch.publish()?;
        Ok(IngestedImage {
            id: *id,
            layers: index.layers().len(),
            new_bytes,
            hold: self.name_image(id, &root, &batch.temp("name"))?,
        })
    }
}

struct Import<'a> {
    store: &'a ContentStore,
    id: &'a Digest,
    writer: BlobWriter<'a>,
    /// What the store has already.
    known: BTreeMap<Digest, Layer>,
    config: Option<Vec<u8>>,
    /// What was taken apart, by diff id.
    layers: BTreeMap<Digest, Object>,
    met_compressed: bool,
}

impl Import<'_> {
    fn take_all(&mut self, export: &mut dyn Read) -> Result<(), ImageError> {
        let mut walk = TarWalk::new(export);
        let mut passed = false;
        while let Some(part) = walk.next_part().map_err(reading())? {
            match part {
                TarPart::Header(header) => passed = self.is_known(header),
                TarPart::Content(size) if !passed => self.take(&mut walk.content(), size)?,
                // What is not taken comes as other bytes.
                TarPart::Content(_) | TarPart::Other(_) => {}
            }
        }
        match walk.end() {
            End::Whole => Ok(()),
            End::Truncated => Err(ImageError::Truncated(*self.id)),
            End::Lost => Err(ImageError::NotAnExport(*self.id)),
        }
    }

    /// Whether the name in a header is that of a layer that the store has. Should the name lie, then
    /// what the store has is the layer of that digest nevertheless.
    fn is_known(&mut self, header: &[u8; BLOCK]) -> bool {
        let diff_id = header[..NAME]
            .strip_prefix(OCI_BLOBS)
            .and_then(|name| std::str::from_utf8(name).ok())
            .and_then(|name| {
                format!("sha256:{}", name.trim_end_matches('\0'))
                    .parse()
                    .ok()
            });
        let known = diff_id.and_then(|id: Digest| self.known.get(&id).copied());
        let Some(layer) = known.filter(|layer| self.store.has_layer(layer)) else {
            return false;
        };
        self.layers.insert(layer.diff_id, layer.recipe);
        true
    }

    fn take(
        &mut self,
        content: &mut Content<'_, &mut dyn Read>,
        size: u64,
    ) -> Result<(), ImageError> {
        let mut block = [0; BLOCK];
        let filled = fill(content, &mut block).map_err(reading())?;
        if filled == BLOCK && begins_archive(&block) {
            let layer = split(&mut self.writer, block.as_slice().chain(content))?;
            self.layers.insert(layer.diff_id, layer.recipe);
            return Ok(());
        }
        let start = &block[..filled];
        self.met_compressed |= COMPRESSED.iter().any(|magic| start.starts_with(magic));
        if self.config.is_none() && size <= MAX_CONFIG {
            let mut document = start.to_vec();
            content.read_to_end(&mut document).map_err(reading())?;
            if sha256(&document) == *self.id {
                self.config = Some(document);
            }
        }
        Ok(())
    }

    /// The image, of what was found.
    fn index(&mut self) -> Result<ImageIndex, ImageError> {
        let config = self.config.take().ok_or(ImageError::NoConfig(*self.id))?;
        let named = diff_ids(&config).map_err(|problem| ImageError::BadConfig {
            image: *self.id,
            problem,
        })?;
        ImageIndex::new(config, &named, |layer| {
            let found = self.layers.get(layer).copied();
            found.ok_or(ImageError::NoLayer {
                image: *self.id,
                layer: *layer,
                compressed: self.met_compressed,
            })
        })
    }
}

fn reading() -> impl FnOnce(std::io::Error) -> ImageError {
    ImageError::stream("read the export of an image")
}
