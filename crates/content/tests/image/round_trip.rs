//! What goes in comes out, to the byte.

use landfall_content::image::LoadSpec;
use proptest::prelude::*;

use crate::archives;
use crate::exports::{Layout, Made, archive, file, given, new_store};
use crate::support::noise;

/// What is at the beginning of every layer, so that it is known for one.
fn layer(rest: &[u8]) -> Vec<u8> {
    [file("first", b"1").as_slice(), rest].concat()
}

fn comes_back(made: &Made, layout: Layout) {
    let (_home, store) = new_store();
    let ingested = store
        .ingest_image(&made.id(), &mut made.export(layout).as_slice())
        .unwrap();
    assert_eq!(
        (ingested.id, ingested.layers),
        (made.id(), made.layers.len())
    );
    assert!(store.contains_image(&made.id()));
    let given = given(&store, &made.id(), &LoadSpec::default());
    let mut distinct: Vec<&Vec<u8>> = Vec::new();
    for layer in &made.layers {
        if !distinct.contains(&layer) {
            distinct.push(layer);
        }
    }
    let (first, rest) = given.split_first().unwrap();
    let (last, layers) = rest.split_last().unwrap();
    assert_eq!(first.1, made.config);
    assert_eq!(
        layers.iter().map(|(_, bytes)| bytes).collect::<Vec<_>>(),
        distinct
    );
    assert_eq!(last.0, "manifest.json");
    assert_eq!(store.verify().unwrap().broken, []);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn any_archive_is_split_and_joined_byte_for_byte(rest in archives::archive()) {
        comes_back(&Made::new(vec![layer(&rest)]), Layout::Oci);
    }
}

#[test]
fn layers_of_both_layouts_come_back_in_their_order_even_twice() {
    let top = layer(&archive(&[("a", &noise(1, 5000)), ("b", b"small")]));
    let layers = vec![
        layer(&archive(&[("bin/app", &noise(2, 5 << 20))])),
        top.clone(),
        vec![0; 1024],
        archive(&[("a", b"")]),
        top,
    ];
    for layout in [Layout::Directories, Layout::Oci] {
        comes_back(&Made::new(layers.clone()), layout);
    }
}

#[test]
fn an_image_without_layers_comes_back() {
    comes_back(&Made::new(Vec::new()), Layout::Oci);
}

#[test]
fn a_layer_of_very_many_files_comes_back() {
    let mut bytes = Vec::new();
    for number in 0..20_000_u32 {
        bytes.extend(file(
            &format!("app/{}/{number}.js", number % 97),
            &noise(u64::from(number % 300), 150),
        ));
    }
    bytes.extend_from_slice(&[0; 1024]);
    comes_back(&Made::new(vec![bytes]), Layout::Directories);
}

#[test]
fn layers_that_an_engine_has_are_left_out_and_named() {
    let layers: Vec<Vec<u8>> = (0..3)
        .map(|n| archive(&[("same", &noise(n, 3000)), ("more", &[n as u8; 2000])]))
        .collect();
    let made = Made::new(layers.clone());
    let (_home, store) = new_store();
    store
        .ingest_image(&made.id(), &mut made.export(Layout::Oci).as_slice())
        .unwrap();
    let index = store.image(&made.id()).unwrap();
    let ids: Vec<_> = index.layers().iter().map(|layer| layer.diff_id).collect();
    assert_eq!(index.shared_layers(&ids), 3);
    assert_eq!(index.shared_layers(&[ids[0], ids[2]]), 1);
    assert_eq!(index.shared_layers(&[ids[1]]), 0);
    let spec = LoadSpec {
        names: vec!["shop/web:7".to_owned()],
        present_layers: 2,
    };
    let given = given(&store, &made.id(), &spec);
    assert_eq!(given.len(), 3);
    assert_eq!(given[1].1, layers[2]);
    let manifest: serde_json::Value = serde_json::from_slice(&given[2].1).unwrap();
    assert_eq!(manifest[0]["RepoTags"], serde_json::json!(["shop/web:7"]));
    assert_eq!(manifest[0]["Layers"].as_array().unwrap().len(), 3);
    let beyond = LoadSpec {
        present_layers: 4,
        ..LoadSpec::default()
    };
    let error = store.write_image(&made.id(), &beyond, &mut Vec::new());
    assert!(error.unwrap_err().to_string().contains("3 layers"));
}
