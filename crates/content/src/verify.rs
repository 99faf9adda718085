//! Checking the whole store.

use landfall_model::Digest;

use crate::blob;
use crate::error::ContentError;
use crate::garbage::list;
use crate::image::image_of;
use crate::path::TreePath;
use crate::reader::BlobReader;
use crate::store::ContentStore;

/// What a check of the store found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Verified {
    /// Trees that were read.
    pub trees: u64,
    /// Images that were read.
    pub images: u64,
    /// Blobs that were read.
    pub blobs: u64,
    /// Everything that is not as it should be.
    pub broken: Vec<Broken>,
}

/// Something in the store that is not as it should be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Broken {
    /// Content that is not what its name says. It was set aside.
    #[error("the content {0} is damaged")]
    Blob(Digest),
    /// An index that is not what its name says.
    #[error("the index of tree {0} is damaged")]
    Tree(Digest),
    /// Content that a tree needs and the store lacks.
    #[error("{path} of tree {tree} has no content")]
    Missing {
        /// The tree.
        tree: Digest,
        /// The file.
        path: TreePath,
        /// Its content.
        blob: Digest,
    },
    /// An image whose parts do not fit together.
    #[error("image {0} is damaged")]
    Image(Digest),
    /// Something that an image needs and the store lacks.
    #[error("image {image} lacks {object}")]
    MissingObject {
        /// The image.
        image: Digest,
        /// What it lacks.
        object: Digest,
    },
    /// A file that the store did not put there.
    #[error("{0} is not the store's")]
    Stranger(String),
}

impl ContentStore {
    /// Reads everything the store holds. Damaged blobs are set aside, so that ingesting the same
    /// content again heals; nothing else is changed.
    ///
    /// # Errors
    /// When the store cannot be read. What is damaged is no error, but in the answer.
    pub fn verify(&self) -> Result<Verified, ContentError> {
        let _shared = self.share()?;
        let mut verified = Verified::default();
        let mut reader = BlobReader::new(self);
        for path in self.blob_files()? {
            let Some((digest, form)) = blob::parse(&path) else {
                let name = path.display().to_string();
                verified.broken.push(Broken::Stranger(name));
                continue;
            };
            verified.blobs += 1;
            match reader.check(&digest, &path, form) {
                Ok(()) => {}
                Err(ContentError::DamagedBlob(_)) => verified.broken.push(Broken::Blob(digest)),
                Err(error) => return Err(error),
            }
        }
        for path in list(&self.trees())? {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            match format!("b3:{name}").parse() {
                Ok(digest) => self.verify_tree(&digest, &mut verified)?,
                Err(_) => {
                    let name = path.display().to_string();
                    verified.broken.push(Broken::Stranger(name));
                }
            }
        }
        for path in list(&self.image_names())? {
            match image_of(&path) {
                Some(id) => self.verify_image(&id, &mut verified),
                None => {
                    let name = path.display().to_string();
                    verified.broken.push(Broken::Stranger(name));
                }
            }
        }
        Ok(verified)
    }

    fn verify_image(&self, id: &Digest, verified: &mut Verified) {
        verified.images += 1;
        let missing = |object| Broken::MissingObject { image: *id, object };
        match self.missing_in_image(id) {
            Ok(objects) => verified.broken.extend(objects.into_iter().map(missing)),
            Err(_) => verified.broken.push(Broken::Image(*id)),
        }
    }

    fn verify_tree(&self, digest: &Digest, verified: &mut Verified) -> Result<(), ContentError> {
        verified.trees += 1;
        let index = match self.tree(digest) {
            Ok(index) => index,
            Err(ContentError::DamagedTree { .. }) => {
                verified.broken.push(Broken::Tree(*digest));
                return Ok(());
            }
            Err(error) => return Err(error),
        };
        for (path, blob) in index.files() {
            if blob::find(&self.blobs(), &blob).is_none() {
                verified.broken.push(Broken::Missing {
                    tree: *digest,
                    path: path.clone(),
                    blob,
                });
            }
        }
        Ok(())
    }
}
