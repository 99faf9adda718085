//! A place in which the real binary runs, and of which nothing is left.
//!
//! Owns a temporary directory and every process that belongs to it.

use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;

use crate::process::{self, Process};
use crate::{Output, bins, wait_for};

/// A command that has not ended after this long is stuck. Far above what a deployment takes on a
/// busy machine, below what a test runner waits.
const STUCK: Duration = Duration::from_secs(240);

/// A state directory, the `landfall` that uses it, and projects. When it is dropped, every process
/// that belongs to it is killed and its directory removed.
#[derive(Debug)]
pub struct Sandbox {
    dir: TempDir,
    env: Vec<(OsString, OsString)>,
}

impl Sandbox {
    /// An empty one. Its agent serves HTTP on a port that the system chooses.
    ///
    /// # Panics
    /// When there is no place for temporary files.
    pub fn new() -> Self {
        // Short: sockets live in it, and their paths end at 107 bytes.
        let dir = tempfile::Builder::new()
            .prefix("lf-")
            .tempdir()
            .expect("a temporary directory");
        fs::create_dir(dir.path().join("home")).expect("a state directory");
        let env = vec![("LANDFALL_HTTP".into(), "127.0.0.1:0".into())];
        Self { dir, env }
    }

    /// The same with a variable for every command.
    pub fn with_env(mut self, name: impl Into<OsString>, value: impl Into<OsString>) -> Self {
        self.set_env(name, value);
        self
    }

    /// A variable for every command from now on.
    pub fn set_env(&mut self, name: impl Into<OsString>, value: impl Into<OsString>) {
        self.env.push((name.into(), value.into()));
    }

    /// The directory of everything.
    pub fn dir(&self) -> &Path {
        self.dir.path()
    }

    /// The state directory: `LANDFALL_HOME`.
    pub fn home(&self) -> PathBuf {
        self.dir().join("home")
    }

    /// Runs `landfall` in the sandbox's directory and waits for its end.
    ///
    /// # Panics
    /// When it cannot be started, or has not ended after minutes.
    #[track_caller]
    pub fn landfall<S: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = S>) -> Output {
        self.landfall_in(self.dir(), args)
    }

    /// Runs `landfall` in a directory and waits for its end.
    ///
    /// # Panics
    /// As [`Sandbox::landfall`].
    #[track_caller]
    pub fn landfall_in<S: AsRef<OsStr>>(
        &self,
        dir: &Path,
        args: impl IntoIterator<Item = S>,
    ) -> Output {
        let mut command = self.command(args);
        command.current_dir(dir);
        self.run(command)
    }

    /// A `landfall` command of this sandbox, for callers that run it in their own way.
    pub fn command<S: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = S>) -> Command {
        let mut command = Command::new(bins::landfall());
        // What the person who runs the tests has set must not reach them.
        for (name, _) in std::env::vars_os() {
            if name.as_encoded_bytes().starts_with(b"LANDFALL_") {
                command.env_remove(name);
            }
        }
        command
            .args(args)
            .env("LANDFALL_HOME", self.home())
            .env("NO_COLOR", "1")
            .envs(self.env.iter().map(|(name, value)| (name, value)))
            .current_dir(self.dir())
            .stdin(Stdio::null());
        command
    }

    /// Runs a command to its end. Its output goes through files: a pipe would stay open for as long
    /// as the agent that it may have started.
    #[track_caller]
    fn run(&self, mut command: Command) -> Output {
        let capture = tempfile::tempdir_in(self.dir()).expect("a place for output");
        let [out, err] = ["stdout", "stderr"].map(|name| capture.path().join(name));
        let create = |path: &Path| File::create(path).expect("a file for output");
        command.stdout(create(&out)).stderr(create(&err));
        let line = format!("{command:?}");
        let mut child = command.spawn().expect("landfall starts");

        let read =
            |path: &Path| String::from_utf8_lossy(&fs::read(path).unwrap_or_default()).into_owned();
        let output = |code| Output {
            line: line.clone(),
            code,
            stdout: read(&out),
            stderr: read(&err),
        };
        let deadline = std::time::Instant::now() + STUCK;
        wait_for(STUCK * 2, "a command", || match ended(&mut child) {
            Some(code) => Some(output(code)),
            None if std::time::Instant::now() < deadline => None,
            None => {
                let _ = child.kill();
                panic!("stuck: {:#}", output(None));
            }
        })
    }

    /// What `landfall agent status --json` prints.
    ///
    /// # Panics
    /// When it fails.
    #[track_caller]
    pub fn agent_status(&self) -> Value {
        self.landfall(["agent", "status", "--json"]).ok().json()
    }

    /// Where the proxy serves HTTP.
    ///
    /// # Panics
    /// When no agent runs, or it does not tell.
    #[track_caller]
    pub fn http(&self) -> SocketAddr {
        let status = self.agent_status();
        let address = status["agent"]["http"][0]
            .as_str()
            .and_then(|text| text.parse().ok());
        address.unwrap_or_else(|| panic!("no address in {status}"))
    }

    /// Every process that belongs to the sandbox.
    pub fn processes(&self) -> Vec<Process> {
        process::belonging_to(self.dir())
    }
}

impl Default for Sandbox {
    fn default() -> Self {
        Self::new()
    }
}

fn ended(child: &mut Child) -> Option<Option<i32>> {
    let status = child.try_wait().expect("a child can be waited for")?;
    Some(status.code())
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.tell_what_was_logged();
            // A second panic would hide the first.
            let dir = self.dir().to_owned();
            let _ = std::panic::catch_unwind(move || process::kill_all(&dir));
        } else {
            process::kill_all(self.dir());
        }
    }
}

impl Sandbox {
    /// The ends of all logs, to the standard error of a test that failed.
    fn tell_what_was_logged(&self) {
        let mut stderr = io::stderr().lock();
        for process in self.processes() {
            let _ = writeln!(stderr, "--- running: {} {}", process.pid, process.command);
        }
        let mut logs = Vec::new();
        find_logs(&self.home(), &mut logs);
        logs.sort();
        for path in logs.iter().take(20) {
            let bytes = fs::read(path).unwrap_or_default();
            let end = &bytes[bytes.len().saturating_sub(4096)..];
            let text = String::from_utf8_lossy(end);
            let _ = writeln!(stderr, "--- end of {}:\n{text}", path.display());
        }
    }
}

fn find_logs(dir: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(dir).into_iter().flatten().flatten() {
        let path = entry.path();
        let Ok(kind) = entry.file_type() else {
            continue;
        };
        // What the apps were built from is no log.
        let skipped = ["apps", "content"].iter().any(|name| path.ends_with(name));
        if kind.is_dir() && !skipped {
            find_logs(&path, found);
        } else if kind.is_file() && path.to_string_lossy().contains("log") {
            found.push(path);
        }
    }
}
