//! Images in the store: what is known, what is whole, what belongs to one.
//!
//! An image is known when `images/<id>` names its index; that file is written last.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use landfall_model::{Algorithm, Digest};

use super::error::ImageError;
use super::index::{ImageIndex, Layer};
use super::join::ObjectReader;
use super::object::{Object, Part};
use super::recipe::{self, Step};
use crate::blob;
use crate::disk::write_durably;
use crate::error::{ContentError, Context as _};
use crate::garbage::list;
use crate::hold::Hold;
use crate::store::ContentStore;

/// An image that the store holds now.
#[derive(Debug, Clone)]
pub struct IngestedImage {
    /// Its id.
    pub id: Digest,
    /// How many layers it has.
    pub layers: usize,
    /// Bytes of content that the store did not hold before.
    pub new_bytes: u64,
    /// Keeps the image from garbage collection; see [`Hold`].
    pub hold: Hold,
}

impl ContentStore {
    /// The index of an image.
    ///
    /// # Errors
    /// When the store does not hold it, or holds something else under its name.
    pub fn image(&self, id: &Digest) -> Result<ImageIndex, ImageError> {
        let root = self.image_root(id)?;
        let index = ObjectReader::new(self).index(&root)?;
        let index = index.ok_or(ImageError::NoObject(root.digest))?;
        match index.id() == *id {
            true => Ok(index),
            false => Err(ImageError::OtherImage {
                expected: *id,
                found: index.id(),
            }),
        }
    }

    /// Whether the store holds an image and all that it needs.
    pub fn contains_image(&self, id: &Digest) -> bool {
        self.image_root(id)
            .and_then(|root| self.missing_of(id, root, &mut HashSet::new()))
            .is_ok_and(|missing| missing.is_empty())
    }

    /// The ids of all images that the store knows.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn images(&self) -> Result<BTreeSet<Digest>, ContentError> {
        let files = list(&self.image_names())?;
        Ok(files.iter().filter_map(|path| image_of(path)).collect())
    }

    /// The object that names all others of an image.
    pub(super) fn image_root(&self, id: &Digest) -> Result<Object, ImageError> {
        let path = self.image_path(id);
        let text = match fs::read_to_string(&path) {
            Err(error) if error.kind() == ErrorKind::NotFound => {
                return Err(ImageError::NoImage(*id));
            }
            read => read.context("read", &path)?,
        };
        parse_root(&text).ok_or(ImageError::Damaged {
            what: "the name of image",
            digest: *id,
            problem: "it names no index",
        })
    }

    /// Makes an image known, all of whose objects are there.
    pub(super) fn name_image(
        &self,
        id: &Digest,
        root: &Object,
        temp: &Path,
    ) -> Result<Hold, ContentError> {
        let hold = Hold::take(&self.holds(), id)?;
        let text = format!("{} {}\n", root.size, root.digest);
        write_durably(temp, &self.image_path(id), text.as_bytes())?;
        Ok(hold)
    }

    /// The layers of all images that the store knows, and can read.
    pub(super) fn known_layers(&self) -> Result<BTreeMap<Digest, Layer>, ContentError> {
        let mut known = BTreeMap::new();
        for id in self.images()? {
            match self.image(&id) {
                Ok(index) => {
                    known.extend(index.layers().iter().map(|layer| (layer.diff_id, *layer)))
                }
                Err(error) => tracing::warn!(image = %id, %error, "an image cannot be read"),
            }
        }
        Ok(known)
    }

    /// Every object of an image that the store lacks, as far as what is there names them. Layers
    /// whose recipes are in `whole` are not looked at; those that turn out to be whole are added.
    pub(super) fn missing_of(
        &self,
        id: &Digest,
        root: Object,
        whole: &mut HashSet<Digest>,
    ) -> Result<Vec<Object>, ImageError> {
        let mut missing = Vec::new();
        self.visit(id, root, whole, |object, is_there| {
            if !is_there {
                missing.push(object);
            }
        })?;
        Ok(missing)
    }

    /// Every object of a known image that the store lacks.
    pub(crate) fn missing_in_image(&self, id: &Digest) -> Result<Vec<Digest>, ImageError> {
        let missing = self.missing_of(id, self.image_root(id)?, &mut HashSet::new())?;
        Ok(missing.iter().map(|object| object.digest).collect())
    }

    /// Every blob that a known image needs.
    pub(crate) fn image_blobs(&self, id: &Digest) -> Result<HashSet<Digest>, ContentError> {
        let mut blobs = HashSet::new();
        let visited = self.image_root(id).and_then(|root| {
            let see = |object: Object, _| blobs.extend([object.digest]);
            self.visit(id, root, &mut HashSet::new(), see)
        });
        visited
            .map(|()| blobs)
            .map_err(|error| ContentError::UnreadableImage {
                image: *id,
                source: Box::new(error),
            })
    }

    /// Every object of an image, each once, and whether the store has it. For `whole` see
    /// [`missing_of`](Self::missing_of).
    pub(super) fn visit(
        &self,
        id: &Digest,
        root: Object,
        whole: &mut HashSet<Digest>,
        see: impl FnMut(Object, bool),
    ) -> Result<(), ImageError> {
        let mut visit = Visit {
            store: self,
            reader: ObjectReader::new(self),
            seen: HashSet::new(),
            whole,
            lacking: 0,
            see,
        };
        if visit.meet(root) {
            let index = visit.reader.index(&root)?;
            let index = index.ok_or(ImageError::NoObject(root.digest))?;
            if index.id() != *id {
                let (expected, found) = (*id, index.id());
                return Err(ImageError::OtherImage { expected, found });
            }
            for layer in index.layers() {
                visit.layer(layer)?;
            }
        }
        Ok(())
    }

    /// Whether the store has all that a layer needs.
    pub(super) fn has_layer(&self, layer: &Layer) -> bool {
        let mut visit = Visit {
            store: self,
            reader: ObjectReader::new(self),
            seen: HashSet::new(),
            whole: &mut HashSet::new(),
            lacking: 0,
            see: |_, _| {},
        };
        visit.layer(layer).is_ok() && visit.lacking == 0
    }

    pub(crate) fn image_path(&self, id: &Digest) -> PathBuf {
        self.image_names().join(id.hex())
    }
}

/// The image that a file in the directory of images names; `None` for a stranger.
pub(crate) fn image_of(path: &Path) -> Option<Digest> {
    let name = path.file_name()?.to_str()?;
    format!("sha256:{name}").parse().ok()
}

fn parse_root(text: &str) -> Option<Object> {
    let (size, digest) = text.trim_end().split_once(' ')?;
    let digest: Digest = digest.parse().ok()?;
    (digest.algorithm() == Algorithm::Blake3).then_some(Object {
        digest,
        size: size.parse().ok()?,
        part: Part::Index,
    })
}

/// A walk over the objects of an image.
struct Visit<'a, F> {
    store: &'a ContentStore,
    reader: ObjectReader<'a>,
    seen: HashSet<Digest>,
    /// Recipes of layers that the store has all of.
    whole: &'a mut HashSet<Digest>,
    /// Objects that the store lacks.
    lacking: usize,
    see: F,
}

impl<F: FnMut(Object, bool)> Visit<'_, F> {
    fn layer(&mut self, layer: &Layer) -> Result<(), ImageError> {
        if self.whole.contains(&layer.recipe.digest) || !self.meet(layer.recipe) {
            return Ok(());
        }
        let lacking = self.lacking;
        let recipe = self.reader.recipe(layer)?;
        let recipe = recipe.ok_or(ImageError::NoObject(layer.recipe.digest))?;
        for object in recipe.chunks {
            if !self.meet(object) {
                continue;
            }
            let chunk = self.reader.chunk(&object)?;
            let chunk = chunk.ok_or(ImageError::NoObject(object.digest))?;
            let steps = recipe::steps(&chunk);
            for step in steps.map_err(|problem| super::join::damaged(&object, problem))? {
                if let Step::Content(content) = step {
                    self.meet(content);
                }
            }
        }
        // What another layer lacks as well has been counted there, and is looked for again there.
        if self.lacking == lacking {
            self.whole.insert(layer.recipe.digest);
        }
        Ok(())
    }

    /// Whether an object is met for the first time, and there to be looked into.
    fn meet(&mut self, object: Object) -> bool {
        if !self.seen.insert(object.digest) {
            return false;
        }
        let is_there = blob::find(&self.store.blobs(), &object.digest).is_some();
        self.lacking += usize::from(!is_there);
        (self.see)(object, is_there);
        is_there
    }
}
