//! Where the source tree of Landfall is, and how the example app is built from it.

use std::path::{Path, PathBuf};

use crate::command_error::{CommandError, CommandResult, ErrorKind};

/// The example app, in the workspace.
const HELLO: &str = "examples/hello/Cargo.toml";

/// The source tree.
#[derive(Debug)]
pub struct Workspace {
    root: PathBuf,
    target: PathBuf,
    is_release: bool,
}

impl Workspace {
    /// Finds the tree that this binary is run from, else the one around the working directory,
    /// else the one that it was built from.
    ///
    /// # Errors
    /// When there is none.
    pub fn find() -> CommandResult<Self> {
        let run_by_cargo = std::env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from);
        let here = std::env::current_dir().ok();
        let built_from = Some(PathBuf::from(env!("CARGO_MANIFEST_DIR")));
        let root = [run_by_cargo, here, built_from]
            .into_iter()
            .flatten()
            .find_map(|start| upwards(&start))
            .ok_or_else(|| {
                let message = "the source tree of Landfall, with examples/hello, is not here";
                CommandError::new(ErrorKind::Demo, message)
                    .hint("clone the repository and run `cargo run --release -- demo` in it")
            })?;
        let (target, is_release) = target_of_this_binary(&root);
        Ok(Self {
            root,
            target,
            is_release,
        })
    }

    /// The shell text that builds the example app and copies it into `dist`. It shares this
    /// binary's target directory and profile, so little is left to compile.
    pub fn build_command(&self) -> String {
        let profile = if self.is_release { " --release" } else { "" };
        let directory = if self.is_release { "release" } else { "debug" };
        let manifest = quoted(&self.root.join("Cargo.toml"));
        let target = quoted(&self.target);
        let program = quoted(&self.target.join(directory).join("hello"));
        format!(
            "set -e\n\
             cargo build{profile} --locked --manifest-path {manifest} --target-dir {target} \
             --package hello\n\
             mkdir -p dist\n\
             cp {program} hello.json dist/\n"
        )
    }
}

fn upwards(start: &Path) -> Option<PathBuf> {
    let mut dirs = start.ancestors();
    dirs.find(|dir| dir.join(HELLO).is_file())
        .map(Path::to_owned)
}

/// `target` and whether the profile in it is `release`, from the path of this binary; what cargo
/// does by default where the binary was moved elsewhere.
fn target_of_this_binary(root: &Path) -> (PathBuf, bool) {
    let found = std::env::current_exe().ok().and_then(|program| {
        let profile = program.parent()?;
        let target = profile.parent()?;
        let name = profile.file_name()?.to_str()?;
        let is_target = target.join("CACHEDIR.TAG").is_file();
        (is_target && ["release", "debug"].contains(&name))
            .then(|| (target.to_owned(), name == "release"))
    });
    found.unwrap_or_else(|| (root.join("target"), true))
}

fn quoted(path: &Path) -> String {
    format!("'{}'", path.display().to_string().replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_stays_one_word_in_the_shell() {
        assert_eq!(quoted(Path::new("/a b/it's")), r"'/a b/it'\''s'");
    }
}
