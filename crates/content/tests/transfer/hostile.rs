//! What lies, is damaged or ends too early is refused, and never visible afterwards.

use std::collections::BTreeSet;

use landfall_content::transfer::{TRANSFER_FORMAT, TransferError};
use landfall_content::{Entry, EntryKind, InvalidTree, TreeIndex, TreePath};
use landfall_model::Digest;

use crate::bring::{
    SEGMENT, bring, check, forget, names, new_store, offer, stream, tree, two_versions,
};
use crate::forged::index_with_name;
use crate::support::noise;

/// An index as senders send it.
fn packed(bytes: &[u8]) -> Vec<u8> {
    [vec![0], zstd::encode_all(bytes, 3).unwrap()].concat()
}

fn refusal(tree: &Digest, index: &[u8]) -> TransferError {
    let (home, store) = new_store();
    let error = store.offer_tree(tree, &mut &*index, &[]).unwrap_err();
    assert_eq!(names(&home.path().join("content/offers")), [""; 0]);
    assert!(store.finish_tree(tree).is_err());
    check(home.path(), &store);
    error
}

fn file(path: &str, content: &[u8], size: u64) -> Entry {
    let kind = EntryKind::File {
        mode: 0o644,
        size,
        digest: Digest::of(content),
    };
    let path = TreePath::new(path).unwrap();
    Entry { path, kind }
}

#[test]
fn an_index_that_is_not_a_sound_tree_is_refused() {
    for name in [b"../../etc/passwd".as_slice(), b"/etc/passwd", b"a/b", b""] {
        let bytes = index_with_name(name);
        let error = refusal(&Digest::of(&bytes), &packed(&bytes));
        assert!(matches!(error, TransferError::BadIndex { .. }), "{error:?}");
    }
    // Two entries in the wrong order.
    let sorted = TreeIndex::new(vec![file("a", b"x", 1), file("b", b"x", 1)])
        .unwrap()
        .encode();
    let entry = (sorted.len() - 16) / 2;
    let swapped = [
        &sorted[..16],
        &sorted[16 + entry..],
        &sorted[16..16 + entry],
    ]
    .concat();
    let error = refusal(&Digest::of(&swapped), &packed(&swapped));
    let TransferError::BadIndex { source, .. } = error else {
        panic!("{error:?}");
    };
    assert_eq!(source, InvalidTree::NotCanonical);
    let sizes = TreeIndex::new(vec![file("a", b"x", 1), file("b", b"x", 2)]).unwrap();
    let error = refusal(&sizes.digest(), &packed(&sizes.encode()));
    assert!(matches!(error, TransferError::TwoSizes(_)), "{error:?}");
}

#[test]
fn an_index_that_is_not_the_announced_one_is_refused() {
    let index = index_with_name(b"fine");
    let tree = Digest::of(&index);
    let other = index_with_name(b"other");
    let error = refusal(&tree, &packed(&other));
    assert!(
        matches!(error, TransferError::OtherIndex { .. }),
        "{error:?}"
    );
    let whole = packed(&index);
    for length in 0..whole.len() {
        refusal(&tree, &whole[..length]);
    }
    let error = refusal(&tree, &[2, 3, 4]);
    assert!(matches!(error, TransferError::Damaged(_)), "{error:?}");
    let error = refusal(&tree, &packed(&vec![0; 100 << 20]));
    assert!(matches!(error, TransferError::Damaged(_)), "{error:?}");
    let based = [&[1], Digest::of(b"tree").as_bytes().as_slice(), &whole].concat();
    let error = refusal(&tree, &based);
    assert!(matches!(error, TransferError::NoBaseTree(_)), "{error:?}");
    // By SHA-256 nothing of ours is named.
    let image: Digest = format!("sha256:{}", tree.hex()).parse().unwrap();
    let error = refusal(&image, &whole);
    assert!(
        matches!(error, TransferError::OtherIndex { .. }),
        "{error:?}"
    );
}

#[test]
fn an_index_longer_than_any_is_refused_before_it_is_unpacked() {
    let error = refusal(&Digest::of(b"tree"), &vec![0; 40 << 20]);
    assert!(
        matches!(error, TransferError::IndexTooLarge { .. }),
        "{error:?}"
    );
}

#[test]
fn a_flipped_byte_anywhere_is_refused_or_does_no_harm() {
    let ((_a, from), (home, to)) = (new_store(), new_store());
    let (first, second) = two_versions(&from);
    bring(&from, &to, &first, &[]).unwrap();
    let whole = stream(&from, &offer(&from, &to, &second, &[first]).unwrap());
    for at in 0..whole.len() {
        offer(&from, &to, &second, &[first]).unwrap();
        let mut damaged = whole.clone();
        damaged[at] ^= [1, 0x80, 0xff][at % 3];
        let taken = to.receive_blobs(&second, &mut damaged.as_slice());
        assert_eq!(to.verify().unwrap().broken, [], "at {at}");
        assert!(!to.contains_tree(&second));
        if taken.is_ok() {
            to.finish_tree(&second).unwrap();
        } else {
            forget(home.path(), &second);
        }
        to.collect_garbage(&BTreeSet::from([first])).unwrap();
    }
    bring(&from, &to, &second, &[first]).unwrap();
    check(home.path(), &to);
}

#[test]
fn flipped_bytes_in_segments_are_refused_and_lose_only_their_segment() {
    let ((_a, from), (home, to)) = (new_store(), new_store());
    let sent = tree(&from, &[("large", &noise(1, 9 << 20))]);
    let wants = offer(&from, &to, &sent, &[]).unwrap();
    let whole = stream(&from, &wants);
    for (at, present) in [(60, 0), (1 << 20, 0), (6 << 20, 1), (whole.len() - 9, 2)] {
        offer(&from, &to, &sent, &[]).unwrap();
        let mut damaged = whole.clone();
        damaged[at] ^= 1;
        to.receive_blobs(&sent, &mut damaged.as_slice())
            .unwrap_err();
        let wants = offer(&from, &to, &sent, &[]).unwrap();
        assert_eq!(
            wants.blobs[0].present,
            (present * SEGMENT) as u64,
            "at {at}"
        );
        check(home.path(), &to);
    }
    // What had come is passed over when it comes again.
    to.receive_blobs(&sent, &mut whole.as_slice()).unwrap();
    to.finish_tree(&sent).unwrap();
}

/// Frames as a lying sender makes them.
struct Lies(Vec<u8>);

impl Lies {
    fn about(tree: &Digest) -> Self {
        let format = TRANSFER_FORMAT.to_le_bytes();
        Self([b"LFMOVE".as_slice(), &format, tree.as_bytes()].concat())
    }

    fn with(mut self, parts: &[&[u8]]) -> Self {
        self.0.extend(parts.concat());
        self
    }

    fn pack(self, length: usize, content: &[u8]) -> Self {
        let packed = zstd::encode_all(content, 3).unwrap();
        let lengths = [length as u32, packed.len() as u32].map(u32::to_le_bytes);
        self.with(&[b"p", &lengths.concat(), &packed])
    }

    fn segment(self, offset: u64, content: &[u8]) -> Self {
        let packed = zstd::encode_all(content, 1).unwrap();
        let length = (packed.len() as u32).to_le_bytes();
        let digest = Digest::of(content);
        self.with(&[
            b"s",
            &[0; 5],
            &offset.to_le_bytes(),
            digest.as_bytes(),
            &length,
            &packed,
        ])
    }

    fn whole(self, number: u32, base: &[u8], content: &[u8]) -> Self {
        let packed = zstd::encode_all(content, 1).unwrap();
        let length = (packed.len() as u32).to_le_bytes();
        self.with(&[b"w", &number.to_le_bytes(), base, &length, &packed])
    }
}

#[test]
fn small_files_that_are_not_what_they_should_be_are_refused() {
    let ((_a, from), (home, to)) = (new_store(), new_store());
    let sent = tree(&from, &[("a", b"content")]);
    offer(&from, &to, &sent, &[]).unwrap();
    let lies = || Lies::about(&sent);
    let one = |number: u8, content: &[u8]| [&[1, 0, 0, 0, number, 0, 0, 0], content].concat();
    let unknown = [&[1], Digest::of(b"?").as_bytes().as_slice(), &[9; 8]].concat();
    let cases: Vec<(&str, Vec<u8>)> = vec![
        ("other content", lies().pack(15, &one(0, b"another")).0),
        ("less content", lies().pack(12, &one(0, b"cont")).0),
        ("more content", lies().pack(16, &one(0, b"contents")).0),
        ("another length", lies().pack(16, &one(0, b"content")).0),
        ("a bomb", lies().pack(15, &vec![0; 64 << 20]).0),
        (
            "a number of no file",
            lies().pack(15, &one(1, b"content")).0,
        ),
        ("too many numbers", lies().pack(8, &[255; 8]).0),
        ("no count", lies().pack(1, &[0]).0),
        ("whole, but other", lies().whole(0, &[0], b"another").0),
        (
            "whole, but longer",
            lies().whole(0, &[0], b"content and more").0,
        ),
        ("whole, of no file", lies().whole(7, &[0], b"content").0),
        (
            "whole, against an unknown base",
            lies().whole(0, &unknown, b"content").0,
        ),
        (
            "whole, in an unknown encoding",
            lies().whole(0, &[2], b"content").0,
        ),
        ("a segment of a small file", lies().segment(0, b"content").0),
        ("an unknown frame", lies().with(&[b"x"]).0),
        ("no frame", lies().0),
        ("no head", b"LFMOVE".to_vec()),
        ("another head", b"GET / HTTP/1.1\r\n\r\n".to_vec()),
    ];
    for (name, bytes) in cases {
        let error = to.receive_blobs(&sent, &mut bytes.as_slice()).unwrap_err();
        let cut = matches!(error, TransferError::Stream { .. });
        assert_eq!(
            cut,
            name.starts_with("no ") && name != "no count",
            "{name}: {error:?}"
        );
        assert_eq!(to.verify().unwrap().blobs, 0, "{name}");
        check(home.path(), &to);
    }
    let named = |bytes: Vec<u8>| to.receive_blobs(&sent, &mut bytes.as_slice()).unwrap_err();
    let error = named(lies().pack(15, &one(0, b"another")).0);
    let said = error.to_string();
    for digest in [Digest::of(b"content"), Digest::of(b"another")] {
        assert!(said.contains(&digest.to_string()), "{said}");
    }
    let error = named(lies().whole(0, &unknown, b"content").0);
    assert!(matches!(error, TransferError::NoBase { .. }), "{error:?}");
    // A base that is here, but smaller than the sender says.
    tree(&to, &[("base", b"base")]);
    for size in [0, 5, u64::MAX] {
        let base = Digest::of(b"base");
        let base = [&[1], base.as_bytes().as_slice(), &u64::to_le_bytes(size)].concat();
        let error = named(lies().whole(0, &base, b"content").0);
        assert!(matches!(error, TransferError::Store(_)), "{error:?}");
    }
    let error = named(Lies::about(&Digest::of(b"other")).0);
    assert!(
        matches!(error, TransferError::OtherTree { .. }),
        "{error:?}"
    );
    let error = named([b"LFMOVE".as_slice(), &[9, 0], &[0; 40]].concat());
    assert!(
        matches!(error, TransferError::UnknownFormat(9)),
        "{error:?}"
    );
}

#[test]
fn segments_that_are_not_what_they_should_be_never_become_content() {
    let ((_a, from), (home, to)) = (new_store(), new_store());
    let content = noise(1, SEGMENT + 100);
    let sent = tree(&from, &[("large", &content)]);
    offer(&from, &to, &sent, &[]).unwrap();
    let parts = home.path().join("content/parts");
    let lies = || Lies::about(&sent);
    let other = noise(2, SEGMENT + 100);
    let (start, end) = content.split_at(SEGMENT);
    let refused = |lies: Lies| to.receive_blobs(&sent, &mut lies.0.as_slice()).unwrap_err();

    let error = refused(lies().segment(SEGMENT as u64, end));
    assert!(
        matches!(error, TransferError::Gap { present: 0, .. }),
        "{error:?}"
    );
    for (offset, content) in [
        (1, start),
        (2 * SEGMENT as u64, end),
        (u64::MAX, end),
        (0, end),
    ] {
        let error = refused(lies().segment(offset, content));
        assert!(matches!(error, TransferError::Damaged(_)), "{error:?}");
    }
    let error = refused(lies().whole(0, &[0], start));
    assert!(matches!(error, TransferError::Damaged(_)), "{error:?}");
    // Segments that are what they say of themselves, but not of this file.
    for lying in [
        lies()
            .segment(0, &other[..SEGMENT])
            .segment(SEGMENT as u64, end),
        lies()
            .segment(0, start)
            .segment(SEGMENT as u64, &other[SEGMENT..]),
    ] {
        let error = refused(lying);
        let TransferError::WrongContent { expected, .. } = error else {
            panic!("{error:?}");
        };
        assert_eq!(expected, Digest::of(&content));
        assert_eq!(names(&parts), [""; 0]);
    }
    assert_eq!(to.verify().unwrap().blobs, 0);
    let honest = lies()
        .segment(0, start)
        .segment(SEGMENT as u64, end)
        .with(&[b"e"]);
    to.receive_blobs(&sent, &mut honest.0.as_slice()).unwrap();
    to.finish_tree(&sent).unwrap();
    check(home.path(), &to);
}

#[test]
fn a_sender_gives_nothing_that_is_not_of_the_tree() {
    let ((_a, from), (_b, to)) = (new_store(), new_store());
    let sent = tree(&from, &[("a", b"1")]);
    let secret = tree(&from, &[("secret", b"2")]);
    let sender = from.send_tree(&sent).unwrap();
    let mut wants = offer(&from, &to, &secret, &[]).unwrap();
    let send = |wants: &_| sender.send(wants, &mut Vec::new(), &|_| {}).unwrap_err();
    let error = send(&wants);
    assert!(
        matches!(error, TransferError::OtherTree { .. }),
        "{error:?}"
    );
    wants.tree = sent;
    let error = send(&wants);
    assert!(
        matches!(error, TransferError::NotOfTree { .. }),
        "{error:?}"
    );
    let mut wants = offer(&from, &to, &sent, &[]).unwrap();
    for (size, present) in [(2, 0), (1, 1), (1, 7), (1, SEGMENT as u64)] {
        (wants.blobs[0].size, wants.blobs[0].present) = (size, present);
        let error = send(&wants);
        assert!(
            matches!(error, TransferError::NotOfTree { .. }),
            "{error:?}"
        );
    }
    let error = to.send_tree(&sent).unwrap_err();
    assert!(error.to_string().contains("store"), "{error:?}");
}
