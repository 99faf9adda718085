//! What lies, is damaged or ends too early is refused, and never known afterwards.

use landfall_content::image::{ImageError, ImageIndex};
use landfall_model::Digest;
use proptest::prelude::*;
use tar::{EntryType, Header};

use crate::exports::{Layout, Made, archive, config, file, new_store, sha256};
use crate::support::noise;

fn made() -> Made {
    Made::new(vec![
        archive(&[("bin/app", &noise(1, 6000))]),
        archive(&[("etc/conf", &[3; 9000])]),
    ])
}

fn refusal(id: &Digest, export: &[u8]) -> ImageError {
    let (_home, store) = new_store();
    let error = store.ingest_image(id, &mut &*export).unwrap_err();
    assert!(store.images().unwrap().is_empty());
    assert_eq!(store.verify().unwrap().broken, []);
    error
}

#[test]
fn an_export_that_ends_early_is_refused() {
    let made = made();
    for layout in [Layout::Directories, Layout::Oci] {
        let export = made.export(layout);
        for at in [0, 1, 511, 513, 3000, 7000, 12_000] {
            let error = refusal(&made.id(), &export[..at]);
            let expected = match error {
                ImageError::Truncated(_) => at % 512 != 0 || at > 512,
                ImageError::NoConfig(_) => at % 512 == 0,
                _ => false,
            };
            assert!(expected, "cut at {at}: {error:?}");
        }
    }
}

#[test]
fn what_is_no_export_is_refused() {
    let id = made().id();
    for bytes in [
        noise(1, 5000),
        b"{\"message\":\"no such image\"}".repeat(40),
    ] {
        let error = refusal(&id, &bytes);
        assert!(matches!(error, ImageError::NotAnExport(_)), "{error:?}");
    }
}

#[test]
fn an_export_of_another_image_is_refused() {
    let other = Made::new(vec![archive(&[("other", b"1")])]);
    let error = refusal(&made().id(), &other.export(Layout::Oci));
    assert!(matches!(error, ImageError::NoConfig(_)), "{error:?}");
}

#[test]
fn a_layer_that_is_another_one_is_refused_whatever_its_name_says() {
    let made = made();
    let mut lying = made.clone();
    lying.layers[0] = archive(&[("bin/app", &noise(2, 6000))]);
    // Names blobs as the configuration does, and holds others.
    let mut export = file(
        &format!("blobs/sha256/{}", sha256(&made.layers[0]).hex()),
        &lying.layers[0],
    );
    export.extend(made.export(Layout::Oci)[7168..].iter());
    let error = refusal(&made.id(), &export);
    let ImageError::NoLayer { layer, .. } = error else {
        panic!("{error:?}");
    };
    assert_eq!(layer, sha256(&made.layers[0]));
}

#[test]
fn compressed_layers_are_named_as_what_they_are() {
    let made = made();
    let packed = [b"\x1f\x8b".as_slice(), &noise(3, 4000)].concat();
    let mut export = file("blobs/sha256/packed", &packed);
    export.extend(file("config", &made.config));
    let error = refusal(&made.id(), &export);
    assert!(error.to_string().contains("containerd"), "{error}");
}

#[test]
fn configurations_that_are_none_are_refused() {
    let cases: [&[u8]; 4] = [
        b"{}",
        b"{\"rootfs\":{\"diff_ids\":[\"../../etc/passwd\"]}}",
        b"{\"rootfs\":{\"diff_ids\":[\"b3:0000000000000000000000000000000000000000000000000000000000000000\"]}}",
        &[b'['; 100_000],
    ];
    for bytes in cases {
        let error = refusal(&sha256(bytes), &file("config", bytes));
        assert!(matches!(error, ImageError::BadConfig { .. }), "{error:?}");
    }
    let many = vec![sha256(b"layer"); 1025];
    let bytes = config(&many);
    let error = refusal(&sha256(&bytes), &file("config", &bytes));
    assert!(error.to_string().contains("1025 layers"), "{error}");
}

#[test]
fn headers_that_promise_too_much_cost_nothing() {
    let made = made();
    for kind in [b'0', b'x', b'L', b'S', b'g'] {
        let mut header = Header::new_gnu();
        header.set_path("config.json").unwrap();
        header.set_entry_type(EntryType::new(kind));
        header.set_size(u64::MAX / 2);
        header.set_cksum();
        let export = [header.as_bytes().as_slice(), &made.export(Layout::Oci)].concat();
        let error = refusal(&made.id(), &export);
        assert!(matches!(error, ImageError::Truncated(_)), "{error:?}");
    }
}

#[test]
fn paths_that_lead_away_are_only_names() {
    let (home, store) = new_store();
    let layer = archive(&[("a", &noise(1, 900))]);
    let mut escaping = Header::new_ustar();
    escaping.as_old_mut().name[..14].copy_from_slice(b"../../../../x\0");
    escaping.set_size(0);
    escaping.set_cksum();
    let made = Made::new(vec![[escaping.as_bytes().as_slice(), &layer].concat()]);
    let mut export = escaping.as_bytes().to_vec();
    export.extend(made.export(Layout::Oci));
    store
        .ingest_image(&made.id(), &mut export.as_slice())
        .unwrap();
    let beside: Vec<_> = std::fs::read_dir(home.path()).unwrap().collect();
    assert_eq!(beside.len(), 1);
}

#[test]
fn a_sender_that_lies_is_refused() {
    let ((_a, from), (_b, to)) = (new_store(), new_store());
    let made = made();
    let other = Made::new(vec![archive(&[("other", &noise(9, 5000))])]);
    for image in [&made, &other] {
        from.ingest_image(&image.id(), &mut image.export(Layout::Oci).as_slice())
            .unwrap();
    }
    let sender = from.send_image(&made.id()).unwrap();
    let lying = from.send_image(&other.id()).unwrap();

    // Another image in the place of the one that was asked for.
    let mut receiver = to.receive_image(&made.id(), lying.root()).unwrap();
    let mut stream = Vec::new();
    lying.send(&[lying.root()], &mut stream).unwrap();
    receiver
        .receive(&[lying.root()], &mut stream.as_slice())
        .unwrap();
    let error = receiver.missing().unwrap_err();
    assert!(matches!(error, ImageError::OtherImage { .. }), "{error:?}");
    drop(receiver);

    // Another object, other bytes, more, fewer.
    let mut receiver = to.receive_image(&made.id(), sender.root()).unwrap();
    let error = receiver
        .receive(&[sender.root()], &mut stream.as_slice())
        .unwrap_err();
    assert!(matches!(error, ImageError::Unasked { .. }), "{error:?}");
    let root = sender.root();
    let size = root.size as usize;
    for bytes in [vec![0; size], vec![0; size + 1], vec![0; size - 1]] {
        let plain = [root.digest.as_bytes().as_slice(), &bytes].concat();
        let stream = zstd::encode_all(plain.as_slice(), 0).unwrap();
        receiver
            .receive(&[root], &mut stream.as_slice())
            .unwrap_err();
    }
    receiver
        .receive(&[root], &mut b"junk".as_slice())
        .unwrap_err();
    assert_eq!(receiver.missing().unwrap(), [root]);
    assert!(receiver.finish().is_err());
    assert!(to.images().unwrap().is_empty());
}

#[test]
fn a_recipe_that_makes_another_layer_is_refused() {
    let ((_a, from), (_b, to)) = (new_store(), new_store());
    let (first, second) = (
        archive(&[("a", &noise(1, 5000))]),
        archive(&[("a", &noise(2, 5000))]),
    );
    for layer in [&first, &second] {
        let made = Made::new(vec![layer.clone()]);
        from.ingest_image(&made.id(), &mut made.export(Layout::Oci).as_slice())
            .unwrap();
    }
    let honest = Made::new(vec![first.clone()]);
    let recipe = |layer: &Vec<u8>| {
        let id = Made::new(vec![layer.clone()]).id();
        from.image(&id).unwrap().layers()[0].recipe
    };
    // The honest index, but with the recipe of the other layer, relabelled as the honest one.
    let mut relabelled = Vec::new();
    let sender = from
        .send_image(&Made::new(vec![second.clone()]).id())
        .unwrap();
    let mut stream = Vec::new();
    sender.send(&[recipe(&second)], &mut stream).unwrap();
    std::io::copy(
        &mut zstd::Decoder::new(stream.as_slice()).unwrap(),
        &mut relabelled,
    )
    .unwrap();
    let mut relabelled = relabelled.split_off(32);
    relabelled[9..41].copy_from_slice(sha256(&first).as_bytes());
    let index = from.image(&honest.id()).unwrap().encode();
    let mut index = index[..index.len() - 32].to_vec();
    index.extend_from_slice(Digest::of(&relabelled).as_bytes());
    assert_eq!(ImageIndex::decode(&index).unwrap().id(), honest.id());

    let object =
        |bytes: &[u8], like: landfall_content::image::Object| landfall_content::image::Object {
            digest: Digest::of(bytes),
            size: bytes.len() as u64,
            part: like.part,
        };
    let root = object(&index, sender.root());
    let mut receiver = to.receive_image(&honest.id(), root).unwrap();
    for bytes in [&index, &relabelled] {
        let plain = [Digest::of(bytes).as_bytes().as_slice(), bytes].concat();
        let stream = zstd::encode_all(plain.as_slice(), 0).unwrap();
        let asked = [object(bytes, root)];
        receiver.receive(&asked, &mut stream.as_slice()).unwrap();
    }
    loop {
        let missing = receiver.missing().unwrap();
        if missing.is_empty() {
            break;
        }
        let mut stream = Vec::new();
        sender.send(&missing, &mut stream).unwrap();
        receiver.receive(&missing, &mut stream.as_slice()).unwrap();
    }
    let error = receiver.finish().unwrap_err();
    let ImageError::WrongLayer { expected, found } = error else {
        panic!("{error:?}");
    };
    assert_eq!((expected, found), (sha256(&first), sha256(&second)));
    assert!(to.images().unwrap().is_empty());
}

proptest! {
    #[test]
    fn no_bytes_make_the_reader_of_indexes_panic(bytes: Vec<u8>, at: prop::sample::Index, byte: u8) {
        let _ = ImageIndex::decode(&bytes);
        let _ = ImageIndex::decode(&[b"LFIMAGE\x01\0".as_slice(), &bytes].concat());
        let (_home, store) = new_store();
        let made = made();
        store.ingest_image(&made.id(), &mut made.export(Layout::Oci).as_slice()).unwrap();
        let mut index = store.image(&made.id()).unwrap().encode();
        let at = at.index(index.len());
        index[at] = byte;
        let _ = ImageIndex::decode(&index);
        let _ = ImageIndex::decode(&index[..at]);
    }

    #[test]
    fn no_bytes_make_the_reader_of_exports_panic(bytes: Vec<u8>, at: prop::sample::Index, byte: u8) {
        let (_home, store) = new_store();
        let made = made();
        let mut export = made.export(Layout::Directories);
        let at = at.index(export.len());
        export[at] = byte;
        let changed = store.ingest_image(&made.id(), &mut export.as_slice());
        prop_assert_eq!(changed.is_ok(), store.contains_image(&made.id()));
        prop_assert!(store.ingest_image(&made.id(), &mut bytes.as_slice()).is_err());
    }
}
