//! Image indexes: an image's configuration and the recipes of its layers.
//!
//! The form, all integers little-endian: `LFIMAGE`, format `u16`, length of the configuration `u32`,
//! the configuration as the engine gave it, number of layers `u32`, each
//! `diff id [32], size of its recipe u64, digest of its recipe [32]`.

use landfall_model::Digest;
use serde::Deserialize;
use sha2::{Digest as _, Sha256};

use super::codec::Cursor;
use super::object::{Object, Part};
use super::recipe;

/// The format of image indexes that this build writes, and the newest that it reads.
pub const IMAGE_FORMAT: u16 = 1;

const MAGIC: &[u8; 7] = b"LFIMAGE";
/// Configurations have some kilobytes.
pub(super) const MAX_CONFIG: u64 = 4 << 20;
/// Engines allow 127.
const MAX_LAYERS: usize = 1024;
/// A configuration, and all layers that may be.
const MAX_INDEX: u64 = MAX_CONFIG + 128 * MAX_LAYERS as u64;

/// An image: what it says of itself, and its layers from the lowest on. One that exists is sound:
/// its layers are those that its configuration names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImageIndex {
    id: Digest,
    config: Vec<u8>,
    layers: Vec<Layer>,
}

/// A layer of an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Layer {
    /// SHA-256 of its archive.
    pub diff_id: Digest,
    /// How it is made.
    pub recipe: Object,
}

impl ImageIndex {
    /// The image of this configuration, each of whose layers `recipe_of` finds the recipe of.
    pub(super) fn new<E>(
        config: Vec<u8>,
        layers: &[Digest],
        mut recipe_of: impl FnMut(&Digest) -> Result<Object, E>,
    ) -> Result<Self, E> {
        let layer = |diff_id: &Digest| {
            Ok(Layer {
                diff_id: *diff_id,
                recipe: recipe_of(diff_id)?,
            })
        };
        Ok(Self {
            id: sha256(&config),
            layers: layers.iter().map(layer).collect::<Result<_, E>>()?,
            config,
        })
    }

    /// The image's id, as engines know it: SHA-256 of its configuration.
    pub fn id(&self) -> Digest {
        self.id
    }

    /// The configuration, as the engine gave it: JSON.
    pub fn config(&self) -> &[u8] {
        &self.config
    }

    /// The layers, the lowest first.
    pub fn layers(&self) -> &[Layer] {
        &self.layers
    }

    /// The form in which it is kept.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(self.config.len() + 32 + self.layers.len() * 72);
        out.extend_from_slice(MAGIC);
        out.extend_from_slice(&IMAGE_FORMAT.to_le_bytes());
        out.extend_from_slice(&(self.config.len() as u32).to_le_bytes());
        out.extend_from_slice(&self.config);
        out.extend_from_slice(&(self.layers.len() as u32).to_le_bytes());
        for layer in &self.layers {
            out.extend_from_slice(layer.diff_id.as_bytes());
            out.extend_from_slice(&layer.recipe.size.to_le_bytes());
            out.extend_from_slice(layer.recipe.digest.as_bytes());
        }
        out
    }

    /// Reads one. Never panics, whatever the bytes.
    ///
    /// # Errors
    /// With what is wrong with them.
    pub fn decode(bytes: &[u8]) -> Result<Self, &'static str> {
        let mut input = Cursor::new(bytes);
        if input.take(MAGIC.len()) != Ok(MAGIC) {
            return Err("it does not begin like an image index");
        }
        if input.u16()? != IMAGE_FORMAT {
            return Err("its format is not known to this version of Landfall");
        }
        let length = input.u32()?;
        if u64::from(length) > MAX_CONFIG {
            return Err("its configuration is too large");
        }
        let config = input.take(length as usize)?.to_vec();
        let named = diff_ids(&config).map_err(|_| "its configuration cannot be read")?;
        if input.u32()? as usize != named.len() {
            return Err("its layers are not those of its configuration");
        }
        let index = Self::new(config, &named, |expected| {
            let diff_id = Digest::from_sha256(input.array()?);
            let size = input.u64()?;
            let digest = Digest::from_bytes(input.array()?);
            if diff_id != *expected {
                return Err("its layers are not those of its configuration");
            }
            if !recipe::is_sane_size(size) {
                return Err("a recipe is too large");
            }
            let part = Part::Recipe;
            Ok(Object { digest, size, part })
        })?;
        input.end()?;
        Ok(index)
    }
}

/// Whether an index may be so large.
pub(super) fn is_sane_size(size: u64) -> bool {
    size <= MAX_INDEX
}

pub(super) fn sha256(bytes: &[u8]) -> Digest {
    Digest::from_sha256(Sha256::digest(bytes).into())
}

/// The layers that a configuration names, the lowest first.
///
/// # Errors
/// With what is wrong with it.
pub(super) fn diff_ids(config: &[u8]) -> Result<Vec<Digest>, String> {
    #[derive(Deserialize)]
    struct Config {
        rootfs: RootFs,
    }
    #[derive(Deserialize)]
    struct RootFs {
        #[serde(default)]
        diff_ids: Option<Vec<Digest>>,
    }
    let config: Config = serde_json::from_slice(config).map_err(|error| error.to_string())?;
    let ids = config.rootfs.diff_ids.unwrap_or_default();
    if ids.len() > MAX_LAYERS {
        return Err(format!("it names {} layers, above {MAX_LAYERS}", ids.len()));
    }
    let is_sha256 = |id: &Digest| id.algorithm() == landfall_model::Algorithm::Sha256;
    match ids.iter().find(|id| !is_sha256(id)) {
        None => Ok(ids),
        Some(id) => Err(format!("its layer {id} is not named by SHA-256")),
    }
}
