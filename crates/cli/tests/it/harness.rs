//! A home, a project and a state directory of the test's own. What was started ends with it.

use std::io::Read;
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

/// Longer than anything takes on a loaded machine.
pub const DEADLINE: Duration = Duration::from_secs(60);

/// The surroundings of a test.
pub struct Test {
    dir: TempDir,
}

/// What a command did.
pub struct Ran {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

impl Test {
    pub fn new() -> Self {
        let dir = tempfile::Builder::new().prefix("lf-").tempdir().unwrap();
        std::fs::create_dir(dir.path().join("app")).unwrap();
        Self { dir }
    }

    /// With an app that is served as files and needs no process.
    pub fn with_site() -> Self {
        let test = Self::new();
        test.write(
            "landfall.toml",
            "app = \"site\"\n\
             [service.web]\n\
             static = { dir = \".\" }\n\
             build = { inputs = [\"dist/**\"], output = \"dist\" }\n\
             [[route]]\n\
             to = \"web\"\n\
             [[smoke]]\n\
             get = \"/index.html\"\n",
        );
        test.write("dist/index.html", "<h1>one</h1>\n");
        test
    }

    pub fn app(&self) -> PathBuf {
        self.dir.path().join("app")
    }

    pub fn state(&self) -> PathBuf {
        self.dir.path().join("s")
    }

    pub fn write(&self, path: &str, text: &str) {
        let path = self.app().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    pub fn read(&self, path: &str) -> String {
        std::fs::read_to_string(self.app().join(path)).unwrap()
    }

    /// Replaces a piece of `landfall.toml`.
    pub fn edit(&self, old: &str, new: &str) {
        let text = self.read("landfall.toml");
        assert_eq!(text.matches(old).count(), 1, "{old:?} in\n{text}");
        self.write("landfall.toml", &text.replace(old, new));
    }

    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_landfall"));
        command
            .args(args)
            .current_dir(self.app())
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", self.dir.path())
            .env("USER", "ada")
            .env("COLUMNS", "100")
            .env("LANDFALL_HOME", self.state())
            .env("LANDFALL_HTTP", "127.0.0.1:0")
            .stdin(Stdio::null());
        command
    }

    pub fn run(&self, args: &[&str]) -> Ran {
        ran(self.command(args).output().unwrap())
    }

    /// Runs git in the app's directory, and expects success.
    pub fn git(&self, args: &[&str]) {
        let done = Command::new("git")
            .args(["-c", "user.name=Ada", "-c", "user.email=ada@example.org"])
            .args(args)
            .current_dir(self.app())
            .output()
            .unwrap();
        assert!(done.status.success(), "{done:?}");
    }

    /// Runs and expects success.
    pub fn ok(&self, args: &[&str]) -> Ran {
        let ran = self.run(args);
        assert_eq!(ran.code, 0, "{args:?}: {}{}", ran.stdout, ran.stderr);
        ran
    }

    /// Runs with `--json`; stdout must be exactly one document.
    pub fn json(&self, args: &[&str]) -> (i32, Value) {
        let args: Vec<&str> = args.iter().copied().chain(["--json"]).collect();
        let ran = self.run(&args);
        let value = serde_json::from_str(&ran.stdout).unwrap_or_else(|error| {
            panic!(
                "{args:?}: {error} in {:?}, stderr {}",
                ran.stdout, ran.stderr
            )
        });
        (ran.code, value)
    }

    pub fn start(&self, args: &[&str]) -> Child {
        self.command(args)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap()
    }

    /// The body that the proxy answers for a path.
    pub fn get(&self, path: &str) -> String {
        let (_, status) = self.json(&["agent", "status"]);
        let address = status["agent"]["http"][0].as_str().unwrap().to_owned();
        let mut stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(DEADLINE)).unwrap();
        let request =
            format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
        std::io::Write::write_all(&mut stream, request.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }
}

impl Drop for Test {
    fn drop(&mut self) {
        if self.state().join("system").exists() {
            let stopped = self.run(&["agent", "stop", "--everything", "--yes"]);
            if stopped.code != 0 && !std::thread::panicking() {
                panic!("failed to clean up: {}{}", stopped.stdout, stopped.stderr);
            }
        }
    }
}

/// Expects all these parts in a text.
#[track_caller]
pub fn has_all(text: &str, parts: &[&str]) {
    for part in parts {
        assert!(text.contains(part), "{part:?} is missing in:\n{text}");
    }
}

pub fn ran(output: Output) -> Ran {
    Ran {
        code: output.status.code().unwrap_or(-1),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

/// Waits until something holds.
pub fn wait_until(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + DEADLINE;
    while !holds() {
        assert!(Instant::now() < deadline, "waited in vain until {what}");
        std::thread::yield_now();
    }
}

/// Ends a process by its id, as `kill -9` does.
pub fn kill(pid: u64) {
    let status = Command::new("kill").args(["-9", &pid.to_string()]).status();
    assert!(status.unwrap().success());
}

pub fn exists(path: &Path) -> bool {
    path.symlink_metadata().is_ok()
}
