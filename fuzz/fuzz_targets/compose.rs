//! Compose files: never a panic, and every refusal has a reason that can be shown. Run with
//! `cargo +nightly fuzz run compose`.

#![no_main]

use std::cell::LazyCell;

use landfall_config::compose::{LoadRequest, load};
use landfall_config::render;
use libfuzzer_sys::fuzz_target;

thread_local! {
    static DIRECTORY: LazyCell<tempfile::TempDir> =
        LazyCell::new(|| tempfile::tempdir().expect("a directory for the file"));
}

fuzz_target!(|input: (&[u8], &[u8])| {
    let directory = DIRECTORY.with(|directory| directory.path().to_owned());
    for (name, text) in [("compose.yaml", input.0), (".env", input.1)] {
        std::fs::write(directory.join(name), text).expect("the file is written");
    }
    let request = LoadRequest {
        directory,
        files: Vec::new(),
        variables: [("COMPOSE_PROJECT_NAME".to_owned(), "a".to_owned())].into(),
        profiles: Vec::new(),
    };
    match load(&request) {
        Ok(loaded) => drop(loaded.project.canonical()),
        Err(found) => {
            assert!(found.error_count() > 0);
            drop(render(&found, false, 100));
        }
    }
});
