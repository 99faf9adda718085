//! Projects to load: those under `cases`, and small ones of a test's own.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use landfall_config::compose::{LoadRequest, LoadedProject, load};
use landfall_config::{Diagnostics, render};
use tempfile::TempDir;

/// A directory with Compose files, and how they are asked for.
pub struct Case {
    pub directory: PathBuf,
    pub files: Vec<String>,
    pub profiles: Vec<String>,
    pub variables: BTreeMap<String, String>,
    /// The code of the mistake, where there is one.
    pub refused: Option<String>,
}

impl Case {
    /// A case with `request.json`, where it is not asked for `compose.yaml` alone.
    pub fn read(directory: &Path) -> Self {
        let request: serde_json::Value = std::fs::read(directory.join("request.json"))
            .map_or(serde_json::Value::Null, |bytes| {
                serde_json::from_slice(&bytes).unwrap()
            });
        let texts = |key: &str| -> Option<Vec<String>> {
            let list = request.get(key)?.as_array()?;
            Some(
                list.iter()
                    .map(|text| text.as_str().unwrap().to_owned())
                    .collect(),
            )
        };
        let variables = request.get("variables").and_then(|value| value.as_object());
        let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
        Self {
            directory: directory.to_owned(),
            files: texts("files").unwrap_or_else(|| vec!["compose.yaml".into()]),
            profiles: texts("profiles").unwrap_or_default(),
            variables: variables
                .into_iter()
                .flatten()
                .map(|(name, value)| (name.clone(), text(value)))
                .collect(),
            refused: request.get("refused").map(text),
        }
    }

    /// The variables of the environment that both programs run in.
    pub fn environment(&self) -> BTreeMap<String, String> {
        let mut variables = self.variables.clone();
        variables
            .entry("HOME".into())
            .or_insert_with(|| "/home/ada".into());
        variables.insert("PWD".into(), self.directory.display().to_string());
        variables
    }

    pub fn load(&self) -> Result<LoadedProject, Diagnostics> {
        load(&LoadRequest {
            directory: self.directory.clone(),
            files: self.files.iter().map(PathBuf::from).collect(),
            variables: self.environment(),
            profiles: self.profiles.clone(),
        })
    }
}

/// All cases, by name.
pub fn cases() -> Vec<Case> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/compose/cases");
    let mut directories: Vec<PathBuf> = std::fs::read_dir(root)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    directories.sort();
    directories
        .iter()
        .map(|directory| Case::read(directory))
        .collect()
}

/// A project whose files are gone when it is.
pub struct Project(TempDir);

impl Project {
    pub fn new(files: &[(&str, &str)]) -> Self {
        let project = Self(tempfile::tempdir().unwrap());
        for (path, text) in files {
            let path = project.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        project
    }

    /// With one file, `compose.yaml`.
    pub fn of(text: &str) -> Self {
        Self::new(&[("compose.yaml", text)])
    }

    pub fn path(&self) -> PathBuf {
        self.0.path().canonicalize().unwrap()
    }

    pub fn case(&self, files: &[&str]) -> Case {
        Case {
            directory: self.path(),
            files: files.iter().map(|file| (*file).to_owned()).collect(),
            profiles: Vec::new(),
            variables: BTreeMap::from([("COMPOSE_PROJECT_NAME".into(), "shop".into())]),
            refused: None,
        }
    }

    /// What is wrong, as it is shown, without the name of the directory.
    pub fn refused(&self, files: &[&str]) -> String {
        let found = match self.case(files).load() {
            Ok(loaded) => loaded.warnings,
            Err(found) => found,
        };
        let directory = format!("{}/", self.path().display());
        render(&found, false, 100).replace(&directory, "")
    }
}
