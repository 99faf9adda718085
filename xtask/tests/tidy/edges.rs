//! Which crate may know which.

use std::collections::BTreeMap;

use crate::{none, root};

/// Every crate and the crates of ours that it may depend on when it ships.
const ALLOWED: [(&str, &[&str]); 15] = [
    ("landfall-model", &[]),
    ("landfall-load", &[]),
    ("landfall-config", &["landfall-model"]),
    ("landfall-content", &["landfall-model"]),
    ("landfall-proxy", &["landfall-model"]),
    ("landfall-runtime", &["landfall-model"]),
    ("landfall-store", &["landfall-model"]),
    ("landfall-server", &["landfall-model"]),
    ("landfall-build", &["landfall-model", "landfall-content"]),
    // Speaks route snapshots over a socket: not the proxy.
    (
        "landfall-agent",
        &[
            "landfall-model",
            "landfall-config",
            "landfall-build",
            "landfall-content",
            "landfall-runtime",
            "landfall-store",
        ],
    ),
    (
        "landfall",
        &[
            "landfall-model",
            "landfall-config",
            "landfall-build",
            "landfall-content",
            "landfall-runtime",
            "landfall-store",
            "landfall-agent",
            "landfall-proxy",
            "landfall-server",
            "landfall-load",
        ],
    ),
    // For tests only, so it may know everyone but the binary.
    (
        "landfall-testkit",
        &[
            "landfall-model",
            "landfall-config",
            "landfall-build",
            "landfall-content",
            "landfall-runtime",
            "landfall-store",
            "landfall-agent",
            "landfall-proxy",
            "landfall-load",
        ],
    ),
    ("hello", &[]),
    ("xtask", &[]),
    (
        "bench",
        &["landfall-load", "landfall-content", "landfall-model"],
    ),
];

/// What a crate must never reach for, by name of the foreign crate.
const FORBIDDEN: [(&str, &[&str]); 5] = [
    (
        "landfall-model",
        &["tokio", "hyper", "axum", "rusqlite", "rustix"],
    ),
    ("landfall-proxy", &["rusqlite", "bollard", "axum"]),
    ("landfall-build", &["rusqlite", "axum", "hyper"]),
    ("landfall-content", &["rusqlite", "axum", "hyper"]),
    ("landfall-server", &["rusqlite", "axum", "hyper", "bollard"]),
];

type Manifest = toml::Table;

/// The manifests of the workspace's crates, by package name.
fn manifests() -> BTreeMap<String, Manifest> {
    let is_manifest = |path: &std::path::PathBuf| path.ends_with("Cargo.toml");
    let paths = crate::files(&["crates", "xtask", "examples"]);
    let read = |path: std::path::PathBuf| {
        let manifest: Manifest = std::fs::read_to_string(&path).unwrap().parse().unwrap();
        (
            manifest["package"]["name"].as_str().unwrap().to_owned(),
            manifest,
        )
    };
    paths.into_iter().filter(is_manifest).map(read).collect()
}

/// The names in one table of dependencies, target-specific tables included.
fn dependencies(manifest: &Manifest, table: &str) -> Vec<String> {
    let names = |manifest: &Manifest| -> Vec<String> {
        let table = manifest.get(table).and_then(toml::Value::as_table);
        table
            .map(|table| table.keys().cloned().collect())
            .unwrap_or_default()
    };
    let targets = manifest.get("target").and_then(toml::Value::as_table);
    let of_targets = targets.into_iter().flat_map(|targets| targets.values());
    names(manifest)
        .into_iter()
        .chain(of_targets.filter_map(toml::Value::as_table).flat_map(names))
        .collect()
}

#[test]
fn crates_know_only_those_that_they_may() {
    let manifests = manifests();
    let allowed = BTreeMap::from(ALLOWED);
    let mut wrong = Vec::new();
    for (name, manifest) in &manifests {
        let Some(allowed) = allowed.get(name.as_str()) else {
            wrong.push(format!("{name} is not in the list of crates in this test"));
            continue;
        };
        for table in ["dependencies", "build-dependencies"] {
            for dependency in dependencies(manifest, table) {
                let ours = manifests.contains_key(&dependency);
                if ours && !allowed.contains(&dependency.as_str()) {
                    wrong.push(format!("{name} must not depend on {dependency}"));
                }
            }
        }
    }
    none(wrong);
}

#[test]
fn crates_keep_away_from_what_is_not_their_business() {
    let manifests = manifests();
    let mut wrong = Vec::new();
    for (name, forbidden) in FORBIDDEN {
        let has = dependencies(&manifests[name], "dependencies");
        let met = forbidden
            .iter()
            .filter(|crate_| has.contains(&(**crate_).to_owned()));
        wrong.extend(met.map(|crate_| format!("{name} must not depend on {crate_}")));
    }
    none(wrong);
}

#[test]
fn only_the_store_speaks_sql() {
    let speaks = |manifest: &Manifest| {
        dependencies(manifest, "dependencies").contains(&"rusqlite".to_owned())
    };
    let speakers: Vec<_> = manifests()
        .into_iter()
        .filter(|(_, manifest)| speaks(manifest))
        .map(|(name, _)| name)
        .collect();
    assert_eq!(speakers, ["landfall-store"]);
}

#[test]
fn every_crate_takes_versions_and_lints_from_the_workspace() {
    let mut wrong = Vec::new();
    for (name, manifest) in manifests() {
        if manifest
            .get("lints")
            .and_then(|lints| lints.get("workspace"))
            .is_none()
        {
            wrong.push(format!("{name} does not take the workspace's lints"));
        }
        for table in ["dependencies", "dev-dependencies", "build-dependencies"] {
            let entries = manifest.get(table).and_then(toml::Value::as_table);
            for (dependency, entry) in entries.into_iter().flatten() {
                if entry.get("workspace").is_none() {
                    wrong.push(format!("{name} gives its own version of {dependency}"));
                }
            }
        }
    }
    none(wrong);
}

#[test]
fn the_list_of_crates_is_about_crates_that_exist() {
    let manifests = manifests();
    // Holds no crate before the first claim of speed is made.
    let wrong = ALLOWED
        .iter()
        .map(|(name, _)| *name)
        .filter(|name| *name != "bench" && !manifests.contains_key(*name));
    none(wrong.map(|name| format!("{name} does not exist")).collect());
    assert!(root().join("Cargo.toml").exists());
}
