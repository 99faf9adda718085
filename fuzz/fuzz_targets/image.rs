//! Exports of images and what describes images: never a panic, and what is taken in comes out again
//! byte for byte. Run with `cargo +nightly fuzz run image`.

#![no_main]

use std::cell::LazyCell;

use landfall_content::ContentStore;
use landfall_content::image::{ImageIndex, LoadSpec};
use landfall_model::Digest;
use libfuzzer_sys::fuzz_target;
use sha2::{Digest as _, Sha256};

thread_local! {
    static STORE: LazyCell<(tempfile::TempDir, ContentStore)> = LazyCell::new(|| {
        let home = tempfile::tempdir().expect("a directory");
        let store = ContentStore::open(&home.path().join("content")).expect("a store");
        (home, store)
    });
}

fn sha256(bytes: &[u8]) -> Digest {
    Digest::from_sha256(Sha256::digest(bytes).into())
}

/// An archive of files, without an end.
fn archive(files: &[&[u8]]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for content in files {
        let mut header = tar::Header::new_ustar();
        header.set_size(content.len() as u64);
        header.set_cksum();
        bytes.extend_from_slice(header.as_bytes());
        bytes.extend_from_slice(content);
        bytes.resize(bytes.len().next_multiple_of(512), 0);
    }
    bytes
}

fuzz_target!(|input: (&[u8], bool)| {
    let (bytes, is_layer) = input;
    let _ = ImageIndex::decode(bytes);
    STORE.with(|of_thread| {
        let store = &of_thread.1;
        if !is_layer {
            let error = store.ingest_image(&sha256(b"none"), &mut &*bytes);
            assert!(error.is_err());
            return;
        }
        // Known for an archive by its first block.
        let layer = [archive(&[b"1"]).as_slice(), bytes].concat();
        let id = sha256(&layer);
        let config = format!("{{\"rootfs\":{{\"diff_ids\":[\"{id}\"]}}}}");
        let image = sha256(config.as_bytes());
        let export = archive(&[layer.as_slice(), config.as_bytes()]);
        let ingested = store.ingest_image(&image, &mut export.as_slice());
        ingested.expect("any layer is taken in");
        let mut out = Vec::new();
        let written = store.write_image(&image, &LoadSpec::default(), &mut out);
        written.expect("what was taken in comes out");
        assert!(out.windows(layer.len()).any(|part| part == layer));
        store.collect_garbage(&[].into()).expect("a clean store");
    });
});
