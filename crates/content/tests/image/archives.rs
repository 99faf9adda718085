//! Random archives: all that tars may hold, and what they should not.

use proptest::prelude::*;
use tar::{EntryType, Header};

use crate::exports::padded;

/// Entries, an end, and damage here and there.
pub fn archive() -> impl Strategy<Value = Vec<u8>> {
    let entries = proptest::collection::vec(entry(), 0..12);
    let damage = prop_oneof![
        3 => Just(None),
        1 => (any::<prop::sample::Index>(), any::<u8>()).prop_map(Some),
    ];
    let cut = prop_oneof![3 => Just(None), 1 => any::<prop::sample::Index>().prop_map(Some)];
    (entries, end(), damage, cut).prop_map(|(entries, end, damage, cut)| {
        let mut bytes = [entries.concat(), end].concat();
        if let Some((at, byte)) = damage.filter(|_| !bytes.is_empty()) {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        if let Some(at) = cut {
            bytes.truncate(at.index(bytes.len() + 1));
        }
        bytes
    })
}

fn end() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        Just(vec![0; 1024]),
        Just(Vec::new()),
        (0..20_usize).prop_map(|blocks| vec![0; blocks * 512]),
        // More archives, and what is none, may follow.
        proptest::collection::vec(any::<u8>(), 0..3000),
        proptest::collection::vec(any::<u8>(), 0..300)
            .prop_map(|more| [vec![0; 1024], more].concat()),
    ]
}

fn entry() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        4 => (name(), content()).prop_map(|(name, content)| of(b'0', &name, &content)),
        1 => name().prop_map(|name| of(b'5', &name, b"")),
        // A link that tells a size has no content nevertheless.
        1 => (name(), 0..5000_u64).prop_map(|(name, size)| header(b'1', &name, size)),
        1 => name().prop_map(|name| of(b'2', &name, b"")),
        1 => (name(), content()).prop_map(|(name, content)| of(0, &name, &content)),
        1 => (name(), content(), any::<u8>())
            .prop_map(|(name, content, kind)| of(kind, &name, &content)),
        1 => (name(), content()).prop_map(|(name, content)| pax_sized(&name, &content)),
        1 => (long_name(), content()).prop_map(|(name, content)| long_named(&name, &content)),
        1 => (name(), content(), 0..3_usize)
            .prop_map(|(name, content, more)| sparse(&name, &content, more)),
        1 => (name(), content()).prop_map(|(name, content)| unpadded(&name, &content)),
        1 => (name(), any::<u64>()).prop_map(|(name, size)| huge(&name, size)),
        1 => proptest::collection::vec(any::<u8>(), 0..1500),
    ]
}

fn name() -> impl Strategy<Value = String> {
    "[a-z]{1,8}(/[a-z.äß]{1,8}){0,3}"
}

fn long_name() -> impl Strategy<Value = String> {
    "[a-z]{100,600}"
}

fn content() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        4 => proptest::collection::vec(any::<u8>(), 0..400),
        2 => (any::<u8>(), 0..20_000_usize).prop_map(|(byte, len)| vec![byte; len]),
        1 => (any::<u64>(), 0..300_000_usize).prop_map(|(seed, len)| crate::support::noise(seed, len)),
    ]
}

fn made(kind: u8, name: &str, size: u64) -> Header {
    let mut header = Header::new_ustar();
    let field = &mut header.as_old_mut().name;
    let length = name.len().min(field.len());
    field[..length].copy_from_slice(&name.as_bytes()[..length]);
    header.set_entry_type(EntryType::new(kind));
    header.set_size(size);
    header.set_cksum();
    header
}

fn header(kind: u8, name: &str, size: u64) -> Vec<u8> {
    made(kind, name, size).as_bytes().to_vec()
}

fn of(kind: u8, name: &str, content: &[u8]) -> Vec<u8> {
    padded(made(kind, name, content.len() as u64).as_bytes(), content)
}

/// A file whose size only its extended header tells.
fn pax_sized(name: &str, content: &[u8]) -> Vec<u8> {
    let rest = format!(" size={}\n", content.len());
    let mut length = rest.len() + 1;
    while length != rest.len() + length.to_string().len() {
        length = rest.len() + length.to_string().len();
    }
    let record = format!("{length}{rest}");
    let mut bytes = of(b'x', "PaxHeaders.0/x", record.as_bytes());
    bytes.extend(padded(made(b'0', name, 0).as_bytes(), content));
    bytes
}

fn long_named(name: &str, content: &[u8]) -> Vec<u8> {
    let mut bytes = of(b'L', "././@LongLink", format!("{name}\0").as_bytes());
    bytes.extend(of(b'K', "././@LongLink", format!("{name}\0").as_bytes()));
    bytes.extend(of(b'0', name, content));
    bytes
}

/// A sparse file, the list of whose holes is continued in so many blocks.
fn sparse(name: &str, content: &[u8], more: usize) -> Vec<u8> {
    let mut header = Header::new_gnu();
    header.as_old_mut().name[..name.len()].copy_from_slice(name.as_bytes());
    header.set_entry_type(EntryType::new(b'S'));
    header.set_size(content.len() as u64);
    header.as_mut_bytes()[482] = u8::from(more > 0);
    header.set_cksum();
    let mut bytes = header.as_bytes().to_vec();
    for block in 1..=more {
        let mut list = [1; 512];
        list[504] = u8::from(block < more);
        bytes.extend_from_slice(&list);
    }
    bytes.extend_from_slice(content);
    bytes.resize(bytes.len().next_multiple_of(512), 7);
    bytes
}

fn unpadded(name: &str, content: &[u8]) -> Vec<u8> {
    let mut bytes = header(b'0', name, content.len() as u64);
    bytes.extend_from_slice(content);
    bytes
}

/// A file that tells a size that it does not have.
fn huge(name: &str, size: u64) -> Vec<u8> {
    header(b'0', name, size)
}
