//! A copy of `examples/hello` to deploy and change, with its binary built already.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::json;

use crate::bins;
use crate::{Output, Sandbox};

/// The part of `landfall.toml` that differs from the example's: nothing is compiled.
const BUILD: &str = r#"
[service.web.build]
shell  = "mkdir -p dist && cp bin/hello hello.json dist/"
inputs = ["bin/hello", "hello.json"]
output = "dist"
"#;

const REST: &str = r#"
app = "hello"

[service.web]
run   = "./hello"
ready = { path = "/health", within = "60s" }

[[route]]
to = "web"

[[smoke]]
get    = "/orders"
expect = { status = 307, location = "/auth/login" }
"#;

/// A project in a sandbox.
#[derive(Debug)]
pub struct Project<'a> {
    sandbox: &'a Sandbox,
    dir: PathBuf,
}

impl<'a> Project<'a> {
    /// The hello app, at a good version `v1`.
    ///
    /// # Panics
    /// When its binary cannot be built or its files not be written.
    pub fn hello(sandbox: &'a Sandbox) -> Self {
        let dir = sandbox.dir().join("hello");
        fs::create_dir_all(dir.join("bin")).expect("a project directory");
        copy_stripped(&bins::hello(), &dir.join("bin/hello"));
        let project = Self { sandbox, dir };
        project.release("v1", "good");
        project
    }

    /// A project in a directory that is there already.
    pub fn at(sandbox: &'a Sandbox, dir: impl Into<PathBuf>) -> Self {
        Self {
            sandbox,
            dir: dir.into(),
        }
    }

    /// Its directory.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Makes the hello app another version, with a behaviour of `hello.json`. What was edited in
    /// `landfall.toml` is lost.
    pub fn release(&self, version: &str, behaviour: &str) {
        self.release_with(json!({ "version": version, "behaviour": behaviour }));
    }

    /// Makes the hello app what `hello.json` says, which has at least a `version`.
    ///
    /// # Panics
    /// Without one.
    pub fn release_with(&self, hello: serde_json::Value) {
        let version = hello["version"].as_str().expect("hello.json has a version");
        let proof =
            format!("\n[service.web.version]\npath = \"/version\"\nexpect = \"{version}\"\n");
        self.write("hello.json", &hello.to_string());
        self.write("landfall.toml", &format!("{REST}{BUILD}{proof}"));
    }

    /// Writes a file of the project.
    ///
    /// # Panics
    /// When it cannot.
    #[track_caller]
    pub fn write(&self, path: &str, text: &str) {
        fs::write(self.dir.join(path), text).expect("a project file is written");
    }

    /// Reads a file of the project.
    ///
    /// # Panics
    /// When it cannot.
    #[track_caller]
    pub fn read(&self, path: &str) -> String {
        fs::read_to_string(self.dir.join(path)).expect("a project file is read")
    }

    /// Replaces a piece of `landfall.toml`.
    ///
    /// # Panics
    /// When the piece is not in it exactly once.
    #[track_caller]
    pub fn edit(&self, old: &str, new: &str) {
        let text = self.read("landfall.toml");
        assert_eq!(text.matches(old).count(), 1, "{old:?} in\n{text}");
        self.write("landfall.toml", &text.replace(old, new));
    }

    /// Adds tables to the end of `landfall.toml`.
    ///
    /// # Panics
    /// When it cannot be read or written.
    #[track_caller]
    pub fn append(&self, tables: &str) {
        let text = self.read("landfall.toml");
        self.write("landfall.toml", &format!("{text}\n{tables}\n"));
    }

    /// Runs `landfall` in the project.
    ///
    /// # Panics
    /// As [`Sandbox::landfall`].
    #[track_caller]
    pub fn landfall(&self, args: &[&str]) -> Output {
        self.sandbox.landfall_in(&self.dir, args)
    }
}

/// Copies a binary, without what only a debugger needs where the tool for that is there: it is a
/// quarter of the size, and every deployment stores it again.
fn copy_stripped(from: &Path, to: &Path) {
    let strip = Command::new("strip").arg("-o").args([to, from]).status();
    if !strip.is_ok_and(|status| status.success()) {
        fs::copy(from, to).expect("the hello binary is copied");
    }
}
