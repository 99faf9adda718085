//! From one store to another: only what is missing.

use std::io::BufReader;

use landfall_content::ContentStore;
use landfall_content::image::{ImageError, IngestedImage, Object, Part};
use landfall_model::Digest;

use crate::exports::{Layout, Made, archive, given, new_store};
use crate::support::noise;

/// Brings an image over; the rounds that it took, and what came in each.
fn copy(
    from: &ContentStore,
    to: &ContentStore,
    id: &Digest,
) -> Result<(IngestedImage, Vec<Vec<Object>>), ImageError> {
    let sender = from.send_image(id)?;
    let mut receiver = to.receive_image(id, sender.root())?;
    let mut rounds = Vec::new();
    loop {
        let missing = receiver.missing()?;
        if missing.is_empty() {
            return Ok((receiver.finish()?, rounds));
        }
        let mut stream = Vec::new();
        sender.send(&missing, &mut stream)?;
        // What else is on the stream is left there.
        stream.extend_from_slice(b"more");
        let mut input = BufReader::new(stream.as_slice());
        receiver.receive(&missing, &mut input)?;
        let mut rest = Vec::new();
        std::io::Read::read_to_end(&mut input, &mut rest).unwrap();
        assert_eq!(rest, b"more");
        rounds.push(missing);
    }
}

fn ingest(store: &ContentStore, made: &Made) {
    store
        .ingest_image(&made.id(), &mut made.export(Layout::Oci).as_slice())
        .unwrap();
}

/// A layer of many files, one of which has this content.
fn layer_of_many(changing: &[u8]) -> Vec<u8> {
    let contents: Vec<(String, Vec<u8>)> = (0..3000_u64)
        .map(|number| (format!("app/{number}.js"), noise(number, 700)))
        .collect();
    let mut files: Vec<(&str, &[u8])> = contents
        .iter()
        .map(|(name, content)| (name.as_str(), content.as_slice()))
        .collect();
    files.insert(1500, ("app/changing.js", changing));
    archive(&files)
}

#[test]
fn everything_travels_to_an_empty_store_and_nothing_to_one_that_has_it() {
    let base = archive(&[("lib", &noise(1, 5 << 20)), ("etc", &[7; 9000])]);
    let made = Made::new(vec![base, archive(&[("app", &noise(2, 3000))])]);
    let ((_a, from), (_b, to)) = (new_store(), new_store());
    ingest(&from, &made);
    let (ingested, rounds) = copy(&from, &to, &made.id()).unwrap();
    assert_eq!((ingested.layers, rounds.len()), (2, 4));
    let sizes: u64 = rounds.iter().flatten().map(|object| object.size).sum();
    assert_eq!(ingested.new_bytes, sizes);
    assert!(to.contains_image(&made.id()));
    assert_eq!(to.verify().unwrap().broken, []);
    assert_eq!(
        given(&from, &made.id(), &Default::default()),
        given(&to, &made.id(), &Default::default())
    );
    let (_, rounds) = copy(&from, &to, &made.id()).unwrap();
    assert_eq!(rounds, [[]; 0]);
}

#[test]
fn of_a_layer_with_one_changed_file_that_file_and_one_chunk_travel() {
    let base = archive(&[("lib", &noise(1, 300_000))]);
    let first = Made::new(vec![base.clone(), layer_of_many(&noise(8001, 900))]);
    let second = Made::new(vec![base, layer_of_many(&noise(8002, 950))]);
    let ((_a, from), (_b, to)) = (new_store(), new_store());
    ingest(&from, &first);
    ingest(&from, &second);
    copy(&from, &to, &first.id()).unwrap();
    let (_, rounds) = copy(&from, &to, &second.id()).unwrap();
    let came: Vec<Object> = rounds.into_iter().flatten().collect();
    let of = |part| came.iter().filter(move |object| object.part == part);
    assert_eq!(of(Part::Index).count(), 1);
    assert_eq!(of(Part::Recipe).count(), 1);
    assert_eq!(of(Part::Chunk).count(), 1);
    assert_eq!(
        of(Part::Content)
            .map(|object| object.size)
            .collect::<Vec<_>>(),
        [950]
    );
    let bytes: u64 = came.iter().map(|object| object.size).sum();
    assert!(bytes < 300_000, "{bytes} bytes of {came:?}");
    assert!(to.contains_image(&first.id()) && to.contains_image(&second.id()));
}

#[test]
fn content_that_a_tree_has_does_not_travel() {
    let made = Made::new(vec![archive(&[("app", &noise(5, 400_000))])]);
    let ((_a, from), (_b, to)) = (new_store(), new_store());
    ingest(&from, &made);
    let source = tempfile::tempdir().unwrap();
    std::fs::write(source.path().join("other"), noise(5, 400_000)).unwrap();
    let tree = landfall_content::TreeSource {
        from: source.path(),
        to: ".",
    };
    to.ingest(&[tree], &landfall_content::Exclude::nothing())
        .unwrap();
    let (_, rounds) = copy(&from, &to, &made.id()).unwrap();
    assert!(
        rounds
            .iter()
            .flatten()
            .all(|object| object.part != Part::Content)
    );
}

#[test]
fn a_transfer_that_breaks_off_goes_on_where_it_was() {
    let files: Vec<Vec<u8>> = (0..40).map(|number| noise(number, 20_000)).collect();
    let names: Vec<String> = (0..40).map(|number| format!("f{number}")).collect();
    let files: Vec<(&str, &[u8])> = names
        .iter()
        .zip(&files)
        .map(|(name, content)| (name.as_str(), content.as_slice()))
        .collect();
    let made = Made::new(vec![archive(&files)]);
    let ((_a, from), (_b, to)) = (new_store(), new_store());
    ingest(&from, &made);
    let sender = from.send_image(&made.id()).unwrap();
    let mut breaks = 0;
    loop {
        // As after a cut: everything is new but the store.
        let mut receiver = to.receive_image(&made.id(), sender.root()).unwrap();
        let missing = receiver.missing().unwrap();
        if missing.is_empty() {
            receiver.finish().unwrap();
            break;
        }
        assert!(!to.contains_image(&made.id()));
        let mut stream = Vec::new();
        sender.send(&missing, &mut stream).unwrap();
        let cut = stream.len().min(200_000);
        let came = receiver.receive(&missing, &mut &stream[..cut]);
        match came {
            Ok(()) => {}
            Err(error) => {
                breaks += 1;
                assert!(matches!(error, ImageError::Stream { .. }), "{error:?}");
                assert!(receiver.missing().unwrap().len() < missing.len());
                assert!(receiver.finish().is_err());
            }
        }
    }
    assert!(breaks > 2, "it broke off {breaks} times");
    assert!(to.contains_image(&made.id()));
}

#[test]
fn a_sender_gives_nothing_that_is_not_of_the_image() {
    let ((_a, from), (_b, other)) = (new_store(), new_store());
    let made = Made::new(vec![archive(&[("a", &noise(1, 3000))])]);
    let secret = Made::new(vec![archive(&[("secret", &noise(2, 3000))])]);
    ingest(&from, &made);
    ingest(&from, &secret);
    ingest(&other, &made);
    let sender = from.send_image(&made.id()).unwrap();
    let wanted = from.send_image(&secret.id()).unwrap().root();
    let error = sender.send(&[wanted], &mut Vec::new()).unwrap_err();
    assert!(matches!(error, ImageError::NotOfImage { .. }), "{error:?}");
    let error = other.send_image(&secret.id()).unwrap_err();
    assert!(matches!(error, ImageError::NoImage(_)), "{error:?}");
}
