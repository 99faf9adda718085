//! Steps that run, and what their control groups are called.

use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize;

/// What a bundle says of its step (OCI runtime specification, config.json).
#[derive(Debug, Deserialize)]
pub(super) struct Step {
    #[serde(default)]
    pub hostname: String,
    linux: Linux,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Linux {
    #[serde(default)]
    cgroups_path: String,
}

pub(super) fn read_step(dir: &Path) -> Option<Step> {
    serde_json::from_slice(&fs::read(dir.join("config.json")).ok()?).ok()
}

impl Step {
    /// The path of its control group in each hierarchy.
    pub fn group(&self) -> PathBuf {
        path_below(&self.linux.cgroups_path)
    }
}

/// The path of a group in its hierarchy: one as it is, or a scope of systemd, as
/// `system.slice:docker:ID`.
pub(super) fn path_below(cgroups_path: &str) -> PathBuf {
    let mut fields = cgroups_path.splitn(3, ':');
    match (fields.next(), fields.next(), fields.next()) {
        (Some(slice), Some(prefix), Some(name)) => {
            let scope = format!("{prefix}-{name}.scope");
            Path::new("/").join(slices(slice)).join(scope)
        }
        _ => Path::new("/").join(cgroups_path),
    }
}

/// `a-b.slice` is in `a.slice` (systemd.slice(5)).
fn slices(slice: &str) -> PathBuf {
    let name = slice.strip_suffix(".slice").unwrap_or(slice);
    let ends = name.match_indices('-').map(|(end, _)| end);
    let ends = ends.chain([name.len()]);
    ends.map(|end| format!("{}.slice", &name[..end])).collect()
}
