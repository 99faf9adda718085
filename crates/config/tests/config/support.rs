//! A project in a directory of its own.

use std::fs;
use std::path::PathBuf;

use landfall_config::{Diagnostics, LoadRequest, LoadedApp, load, render};
use tempfile::TempDir;

/// A project whose files are gone when it is.
pub struct Project(TempDir);

impl Project {
    /// A project without files.
    pub fn empty() -> Self {
        let project = Self(tempfile::tempdir().unwrap());
        fs::create_dir(project.path()).unwrap();
        project
    }

    /// A project with this `landfall.toml`.
    pub fn new(toml: &str) -> Self {
        Self::empty().file("landfall.toml", toml)
    }

    /// The same with one more file.
    pub fn file(self, path: &str, text: impl AsRef<[u8]>) -> Self {
        let path = self.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
        self
    }

    pub fn path(&self) -> PathBuf {
        self.0.path().join("project")
    }

    pub fn request(&self, environment: &str) -> LoadRequest {
        LoadRequest::new(
            self.path().join("landfall.toml"),
            environment.parse().unwrap(),
        )
    }

    pub fn load(&self, environment: &str) -> Result<LoadedApp, Diagnostics> {
        load(&self.request(environment))
    }

    /// The app, or the rendered errors as a panic.
    pub fn loaded(&self, environment: &str) -> LoadedApp {
        self.load(environment)
            .unwrap_or_else(|found| panic!("{}", self.rendered(&found)))
    }

    /// What is wrong, as it is shown, without the name of the directory.
    pub fn refused(&self) -> String {
        match self.load("local") {
            Ok(loaded) => self.rendered(&loaded.warnings),
            Err(found) => self.rendered(&found),
        }
    }

    pub fn rendered(&self, found: &Diagnostics) -> String {
        let directory = format!("{}/", self.path().display());
        render(found, false, 100).replace(&directory, "")
    }
}
