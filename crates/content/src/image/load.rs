//! Giving an image back to an engine, as it takes it.
//!
//! What is written is what `docker save` of any version has in common: a configuration, a tar for each layer,
//! and `manifest.json`. Docker 20.10 and 28 both take it, and both open the file of a layer only
//! when they do not have the layer: so those that an engine has can be left out.

use std::collections::BTreeSet;
use std::io::Write;

use landfall_model::Digest;
use serde::Serialize;
use tar::{EntryType, Header};

use super::error::ImageError;
use super::index::{ImageIndex, Layer};
use super::join::ObjectReader;
use super::walk::BLOCK;
use crate::store::ContentStore;

/// How an image is given to an engine.
#[derive(Debug, Clone, Default)]
pub struct LoadSpec {
    /// Names that it gets there, like `shop/web:7`.
    pub names: Vec<String>,
    /// So many of its lowest layers are left out: [`ImageIndex::shared_layers`] with an image that
    /// the engine has. Engines that turn out to lack one refuse the image.
    pub present_layers: usize,
}

/// What `manifest.json` holds an array of.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Manifest<'a> {
    config: &'a str,
    repo_tags: Option<&'a [String]>,
    layers: Vec<String>,
}

impl ImageIndex {
    /// How many of the lowest layers another image has as well, given its diff ids from the lowest
    /// on. An engine that has that image has these layers.
    pub fn shared_layers(&self, other: &[Digest]) -> usize {
        let own = self.layers().iter().map(|layer| layer.diff_id);
        own.zip(other)
            .take_while(|(own, other)| own == *other)
            .count()
    }
}

impl ContentStore {
    /// Writes the image `id` as `POST /images/load` of an engine takes it. The engine then has an
    /// image of that id. Each layer is checked against its diff id on the way; the manifest comes
    /// last, so that an engine takes nothing of what broke off. The bytes that were written.
    ///
    /// # Errors
    /// When the store does not hold all of it, something is damaged, or `out` cannot be written.
    pub fn write_image(
        &self,
        id: &Digest,
        spec: &LoadSpec,
        out: &mut dyn Write,
    ) -> Result<u64, ImageError> {
        let _shared = self.share()?;
        let index = self.image(id)?;
        let layers = index.layers();
        let Some(sent) = layers.get(spec.present_layers..) else {
            return Err(ImageError::TooManyPresent {
                layers: layers.len(),
                present: spec.present_layers,
            });
        };
        let config = format!("{}.json", id.hex());
        let manifest = Manifest {
            config: &config,
            repo_tags: (!spec.names.is_empty()).then_some(&spec.names),
            layers: layers.iter().map(file_name).collect(),
        };
        let mut tar = TarWriter { out, written: 0 };
        tar.file(&config, index.config())?;
        let mut reader = ObjectReader::new(self);
        let mut written = BTreeSet::new();
        for layer in sent {
            // An image may have one layer twice.
            if written.insert(layer.diff_id) {
                tar.layer(&mut reader, layer)?;
            }
        }
        let manifest = serde_json::to_vec(&[manifest]).map_err(std::io::Error::from);
        tar.file("manifest.json", &manifest.map_err(writing())?)?;
        tar.finish()
    }
}

fn file_name(layer: &Layer) -> String {
    format!("{}.tar", layer.diff_id.hex())
}

fn writing() -> impl FnOnce(std::io::Error) -> ImageError {
    ImageError::stream("write an image for an engine")
}

struct TarWriter<'a> {
    out: &'a mut dyn Write,
    written: u64,
}

impl TarWriter<'_> {
    fn file(&mut self, name: &str, content: &[u8]) -> Result<(), ImageError> {
        self.header(name, content.len() as u64)?;
        self.bytes(content)?;
        self.pad(content.len() as u64)
    }

    fn layer(&mut self, reader: &mut ObjectReader<'_>, layer: &Layer) -> Result<(), ImageError> {
        let recipe = reader.recipe(layer)?;
        let recipe = recipe.ok_or(ImageError::NoObject(layer.recipe.digest))?;
        self.header(&file_name(layer), recipe.size)?;
        reader.write_layer(layer, &recipe, self.out)?;
        self.written += recipe.size;
        self.pad(recipe.size)
    }

    fn header(&mut self, name: &str, size: u64) -> Result<(), ImageError> {
        let mut header = Header::new_ustar();
        header.set_path(name).map_err(writing())?;
        header.set_entry_type(EntryType::Regular);
        header.set_size(size);
        header.set_mode(0o644);
        header.set_mtime(0);
        header.set_cksum();
        self.bytes(header.as_bytes())
    }

    fn pad(&mut self, size: u64) -> Result<(), ImageError> {
        let padding = (size.wrapping_neg() % BLOCK as u64) as usize;
        self.bytes(&[0; BLOCK][..padding])
    }

    /// The end of the archive.
    fn finish(mut self) -> Result<u64, ImageError> {
        self.bytes(&[0; 2 * BLOCK])?;
        self.out.flush().map_err(writing())?;
        Ok(self.written)
    }

    fn bytes(&mut self, bytes: &[u8]) -> Result<(), ImageError> {
        self.written += bytes.len() as u64;
        self.out.write_all(bytes).map_err(writing())
    }
}
