//! The content-addressed store: tree indexes, blobs, materialised trees
