//! Images without a registry: taken apart into files, sent as what is missing, made again exactly.
//!
//! [`ContentStore::ingest_image`](crate::ContentStore::ingest_image) reads what an engine exports,
//! [`write_image`](crate::ContentStore::write_image) writes what one loads, and
//! [`send_image`](crate::ContentStore::send_image) and
//! [`receive_image`](crate::ContentStore::receive_image) bring an image from one store to another.
//!
//! Layers are archives, named by the SHA-256 of every byte of them. A layer is kept as the content
//! of its files, which it shares with all other layers and trees, and a recipe of the rest. Nothing
//! here speaks to an engine or knows a network.

mod codec;
mod error;
mod index;
mod ingest;
mod join;
mod load;
mod object;
mod receive;
mod recipe;
mod send;
mod split;
mod store;
mod walk;

pub use error::ImageError;
pub use index::{IMAGE_FORMAT, ImageIndex, Layer};
pub use load::LoadSpec;
pub use object::{Object, Part};
pub use receive::ImageReceiver;
pub use recipe::LAYER_FORMAT;
pub use send::ImageSender;
pub use store::IngestedImage;
pub(crate) use store::image_of;
