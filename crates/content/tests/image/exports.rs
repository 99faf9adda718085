//! Exports of images as engines make them, and what comes back of them.

use std::io::Read as _;

use landfall_content::ContentStore;
use landfall_content::image::LoadSpec;
use landfall_model::Digest;
use sha2::{Digest as _, Sha256};
use tar::{EntryType, Header};

/// How an engine lays an export out.
#[derive(Debug, Clone, Copy)]
pub enum Layout {
    /// Docker 20.10: a directory for each layer.
    Directories,
    /// Docker 25 and later: blobs by digest.
    Oci,
}

/// An image as it is before it is exported.
#[derive(Debug, Clone)]
pub struct Made {
    pub config: Vec<u8>,
    pub layers: Vec<Vec<u8>>,
}

pub fn sha256(bytes: &[u8]) -> Digest {
    Digest::from_sha256(Sha256::digest(bytes).into())
}

/// A file of an archive, padded.
pub fn file(name: &str, content: &[u8]) -> Vec<u8> {
    let mut header = Header::new_ustar();
    header.set_path(name).unwrap();
    header.set_size(content.len() as u64);
    header.set_mode(0o644);
    header.set_cksum();
    padded(header.as_bytes(), content)
}

/// A header and what follows it, padded to whole blocks.
pub fn padded(header: &[u8; 512], content: &[u8]) -> Vec<u8> {
    let mut bytes = [header.as_slice(), content].concat();
    bytes.resize(bytes.len().next_multiple_of(512), 0);
    bytes
}

/// An archive of these files.
pub fn archive(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut bytes: Vec<u8> = files
        .iter()
        .flat_map(|(name, content)| file(name, content))
        .collect();
    bytes.extend_from_slice(&[0; 1024]);
    bytes
}

impl Made {
    /// The image of these layers.
    pub fn new(layers: Vec<Vec<u8>>) -> Self {
        let ids: Vec<Digest> = layers.iter().map(|layer| sha256(layer)).collect();
        Self {
            config: config(&ids),
            layers,
        }
    }

    pub fn id(&self) -> Digest {
        sha256(&self.config)
    }

    pub fn export(&self, layout: Layout) -> Vec<u8> {
        let mut out = Vec::new();
        let config = (self.id().hex(), &self.config);
        match layout {
            Layout::Directories => {
                for (number, layer) in self.layers.iter().enumerate() {
                    let name = |file: &str| format!("{number:064}/{file}");
                    let is_double = self.layers[..number].iter().position(|l| l == layer);
                    out.extend(file(&name("VERSION"), b"1.0"));
                    match is_double {
                        Some(first) => out.extend(symlink(&name("layer.tar"), first)),
                        None => out.extend(file(&name("layer.tar"), layer)),
                    }
                }
                out.extend(file(&format!("{}.json", config.0), config.1));
                out.extend(file("manifest.json", b"[]"));
            }
            Layout::Oci => {
                let layers = self.layers.iter().map(|layer| (sha256(layer).hex(), layer));
                for (hex, content) in layers.chain([config]) {
                    out.extend(file(&format!("blobs/sha256/{hex}"), content));
                }
                out.extend(file("index.json", b"{}"));
            }
        }
        out.extend_from_slice(&[0; 1024]);
        out
    }
}

/// A configuration that names these layers.
pub fn config(layers: &[Digest]) -> Vec<u8> {
    let layers: Vec<String> = layers.iter().map(Digest::to_string).collect();
    let config = serde_json::json!({
        "architecture": "amd64",
        "os": "linux",
        "rootfs": { "type": "layers", "diff_ids": layers },
    });
    config.to_string().into_bytes()
}

fn symlink(name: &str, layer: usize) -> Vec<u8> {
    let mut header = Header::new_ustar();
    header.set_path(name).unwrap();
    header.set_entry_type(EntryType::Symlink);
    header
        .set_link_name(format!("../{layer:064}/layer.tar"))
        .unwrap();
    header.set_size(0);
    header.set_cksum();
    header.as_bytes().to_vec()
}

/// The files of what a store gives to an engine, by name.
pub fn given(store: &ContentStore, id: &Digest, spec: &LoadSpec) -> Vec<(String, Vec<u8>)> {
    let mut out = Vec::new();
    let written = store.write_image(id, spec, &mut out).unwrap();
    assert_eq!(written, out.len() as u64);
    let mut archive = tar::Archive::new(out.as_slice());
    let read = |mut entry: tar::Entry<'_, &[u8]>| {
        let name = entry.path().unwrap().to_string_lossy().into_owned();
        let mut content = Vec::new();
        entry.read_to_end(&mut content).unwrap();
        (name, content)
    };
    let entries = archive.entries().unwrap();
    entries.map(|entry| read(entry.unwrap())).collect()
}

/// A store in a directory of its own.
pub fn new_store() -> (tempfile::TempDir, ContentStore) {
    let home = tempfile::tempdir().unwrap();
    let store = ContentStore::open(&home.path().join("content")).unwrap();
    (home, store)
}
