//! The service that is replaced: its images, and a Compose file that runs one of them.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};
use serde_json::json;

use super::cut::version_name;
use crate::docker::{Engine, output};
use crate::http;
use crate::options::Options;
use crate::process::Workplace;

/// How the app is.
#[derive(Debug)]
pub struct Case {
    /// For people.
    pub name: &'static str,
    behaviour: &'static str,
}

/// An app of a few milliseconds, and one that takes as long as many.
pub const CASES: [Case; 2] = [
    Case {
        name: "an app that starts at once",
        behaviour: "good",
    },
    Case {
        name: "an app that starts in 2 s",
        behaviour: "slow-start",
    },
];

/// The port in the container.
pub const PORT: u16 = 3000;

const COMPOSE: &str = r#"
services:
  web:
    image: app:${VERSION}
    environment:
      HOST: 0.0.0.0
      PORT: "3000"
    ports:
      - "${WEB_ADDRESS}:3000"
"#;

/// A directory with the Compose file.
pub struct Project {
    dir: PathBuf,
    /// Where the Compose file publishes the service.
    pub published: SocketAddr,
}

impl Project {
    /// Writes it.
    ///
    /// # Errors
    /// When it cannot.
    pub fn new(place: &Workplace, name: &str) -> Result<Self> {
        let dir = place.dir(name)?;
        write_compose(&dir)?;
        Ok(Self {
            dir,
            published: http::free_address()?,
        })
    }

    /// Where it is.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Makes it one of this version.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn set_version(&self, version: usize) -> Result<()> {
        write_env(&self.dir, version, self.published)
    }
}

/// The Compose file, in a directory.
///
/// # Errors
/// When it cannot be written.
pub fn write_compose(dir: &Path) -> Result<()> {
    fs::write(dir.join("compose.yaml"), COMPOSE).context("failed to write a Compose file")
}

/// The variables of the Compose file, beside it.
///
/// # Errors
/// When they cannot be written.
pub fn write_env(dir: &Path, version: usize, published: SocketAddr) -> Result<()> {
    let env = format!(
        "VERSION={}\nWEB_ADDRESS={published}\n",
        version_name(version)
    );
    fs::write(dir.join(".env"), env).context("failed to write variables")
}

/// Builds an image for the start, and one for each round; how many.
///
/// # Errors
/// When one does not build.
pub fn build_images(
    engine: &Engine,
    place: &Workplace,
    options: &Options,
    case: &Case,
    rounds: usize,
) -> Result<usize> {
    let dir = place.dir("image")?;
    with_libraries(&options.hello, &dir.join("root"))?;
    fs::write(
        dir.join("Dockerfile"),
        "FROM scratch\nCOPY root /\nWORKDIR /app\nCOPY hello.json .\nCMD [\"/app/hello\"]\n",
    )?;
    for version in 0..=rounds {
        let name = version_name(version);
        let hello = json!({ "version": name, "behaviour": case.behaviour });
        fs::write(dir.join("hello.json"), hello.to_string())?;
        let id = engine.build(&dir)?;
        output(engine.docker(&["tag", &id, &format!("app:{name}")]))?;
    }
    Ok(rounds + 1)
}

/// Copies the app and the libraries that it needs below a root directory.
fn with_libraries(program: &Path, root: &Path) -> Result<()> {
    let mut ldd = Command::new("ldd");
    ldd.arg(program);
    let listed = output(ldd)?;
    let words = listed.split_whitespace();
    let libraries = words.filter(|word| word.starts_with('/')).map(Path::new);
    let libraries = libraries.map(|path| (path, root.join(path.strip_prefix("/").unwrap_or(path))));
    for (from, to) in libraries.chain([(program, root.join("app/hello"))]) {
        if let Some(parent) = to.parent() {
            fs::create_dir_all(parent)?;
        }
        fs::copy(from, &to).with_context(|| format!("failed to copy {}", from.display()))?;
    }
    Ok(())
}
