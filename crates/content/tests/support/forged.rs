//! Indexes that nothing of ours would write.

use landfall_content::TreeIndex;
use landfall_model::Digest;

/// The form of an index with one file of any name, which `TreePath` would refuse to hold.
pub fn index_with_name(name: &[u8]) -> Vec<u8> {
    let mut bytes = TreeIndex::new(vec![]).unwrap().encode();
    bytes[8] = 1;
    bytes.push(b'f');
    bytes.extend_from_slice(&(name.len() as u16).to_le_bytes());
    bytes.extend_from_slice(name);
    bytes.extend_from_slice(&0o644_u16.to_le_bytes());
    bytes.extend_from_slice(&1_u64.to_le_bytes());
    bytes.extend_from_slice(Digest::of(b"x").as_bytes());
    bytes
}
