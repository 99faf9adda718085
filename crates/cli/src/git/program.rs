//! Running `git` for what has to succeed.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::command_error::{CommandError, CommandResult, ErrorKind};

/// Variables by which git tells a hook, and whatever the hook runs, about the repository that it is
/// called for. In another repository they are wrong. (`git rev-parse --local-env-vars`)
const OF_THE_CALLER: [&str; 9] = [
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_COMMON_DIR",
    "GIT_CONFIG_PARAMETERS",
    "GIT_DIR",
    "GIT_INDEX_FILE",
    "GIT_OBJECT_DIRECTORY",
    "GIT_PREFIX",
    "GIT_QUARANTINE_PATH",
    "GIT_WORK_TREE",
];
/// Lines of what git said that an error shows.
const SAID: usize = 6;

/// Where `git` is run.
pub struct Git {
    dir: PathBuf,
    is_of_hook: bool,
    can_ask: bool,
}

impl Git {
    /// In a repository, or where one is to be.
    pub fn in_dir(dir: &Path) -> Self {
        Self {
            dir: dir.to_owned(),
            is_of_hook: false,
            can_ask: false,
        }
    }

    /// In the repository that git called this hook for, with what is being pushed to it.
    pub fn of_hook() -> Self {
        Self {
            dir: PathBuf::from("."),
            is_of_hook: true,
            can_ask: false,
        }
    }

    /// The same, which may ask for a password at the terminal.
    #[must_use]
    pub fn asking(self, can_ask: bool) -> Self {
        Self { can_ask, ..self }
    }

    /// Runs it; what it printed.
    ///
    /// # Errors
    /// When there is no git, or it fails.
    pub fn run(&self, arguments: &[&str]) -> CommandResult<String> {
        let mut command = Command::new("git");
        if !self.is_of_hook {
            forget_caller(&mut command);
        }
        if !self.can_ask {
            command.env("GIT_TERMINAL_PROMPT", "0");
        }
        command.arg("-C").arg(&self.dir).args(arguments);
        let output = command.stdin(Stdio::null()).output();
        let output = output.map_err(|error| {
            CommandError::from_error(ErrorKind::Stopped, &error)
                .during("failed to run git")
                .hint("install git, or see that it is in PATH")
        })?;
        if output.status.success() {
            return Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned());
        }
        let said = String::from_utf8_lossy(&output.stderr);
        let said: Vec<&str> = said.lines().filter(|line| !line.is_empty()).collect();
        let said = said[said.len().saturating_sub(SAID)..].join("; ");
        let what = arguments.iter().find(|word| !word.starts_with('-'));
        let what = what.copied().unwrap_or_default();
        Err(CommandError::new(ErrorKind::Stopped, said).during(format!("git {what} failed")))
    }
}

/// Makes a command of git's know nothing of a repository that this process was called for.
pub fn forget_caller(command: &mut Command) {
    for name in OF_THE_CALLER {
        command.env_remove(name);
    }
}

/// Makes a work tree of a commit at `to`, a directory that is empty or not there, with its
/// submodules. `objects` are the directories that have its objects; they must outlive it.
///
/// # Errors
/// When the commit is not there, or the disk is full.
pub fn check_out(objects: &[PathBuf], commit: &str, to: &Path) -> CommandResult<()> {
    fs::create_dir_all(to)?;
    let git = Git::in_dir(to);
    git.run(&["init", "--quiet"])?;
    let listed: Vec<&OsStr> = objects.iter().map(|dir| dir.as_os_str()).collect();
    let listed = listed.join(OsStr::new("\n"));
    fs::write(
        to.join(".git/objects/info/alternates"),
        listed.as_encoded_bytes(),
    )?;
    // Hooks that a template gives to new repositories are for people.
    let quiet = [
        "-c",
        "core.hooksPath=/dev/null",
        "-c",
        "advice.detachedHead=false",
    ];
    let checkout = ["checkout", "--quiet", "--detach", commit];
    git.run(&[&quiet[..], &checkout].concat())?;
    if to.join(".gitmodules").is_file() {
        git.run(&["submodule", "update", "--init", "--recursive", "--quiet"])?;
    }
    Ok(())
}
