//! The action for GitHub: its scripts, run as a runner runs them, with an `ssh` that is a script.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::harness::{Ran, Test, ran};
use crate::server::{Key, Server};

/// A runner with an app to deploy.
struct Runner<'a> {
    test: &'a Test,
    server: &'a Server<'a>,
    inputs: Vec<(&'static str, String)>,
}

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

impl<'a> Runner<'a> {
    fn new(test: &'a Test, server: &'a Server<'a>) -> Self {
        let runner = Self {
            test,
            server,
            inputs: vec![
                ("SSH_KEY", String::new()),
                ("KNOWN_HOSTS", "192.0.2.1 ssh-ed25519 AAAA".to_owned()),
                ("BINARY", env!("CARGO_BIN_EXE_landfall").to_owned()),
                ("VERSION", env!("CARGO_PKG_VERSION").to_owned()),
                ("ENVIRONMENT", "production".to_owned()),
                ("WORKING_DIRECTORY", "app".to_owned()),
                ("ARGS", String::new()),
            ],
        };
        let ssh = runner.dir("tools").join("ssh");
        std::fs::copy(server.ssh(Key::Limited), &ssh).unwrap();
        // What it was called with, and then what the server does.
        let script = std::fs::read_to_string(&ssh).unwrap();
        let log = runner.dir("tools").join("log");
        let says = format!("#!/bin/sh\nprintf '%s\\n' \"$@\" > '{}'\n", log.display());
        std::fs::write(&ssh, script.replace("#!/bin/sh\n", &says)).unwrap();
        let key = runner.dir("tools").join("key");
        let made = Command::new("ssh-keygen")
            .args(["-q", "-t", "ed25519", "-N", "", "-f"])
            .arg(&key)
            .status();
        assert!(made.unwrap().success());
        let key = std::fs::read_to_string(key).unwrap();
        runner.with("SSH_KEY", key.trim_end())
    }

    fn with(mut self, name: &str, value: &str) -> Self {
        let input = self.inputs.iter_mut().find(|(known, _)| *known == name);
        value.clone_into(&mut input.unwrap().1);
        self
    }

    fn dir(&self, name: &str) -> PathBuf {
        let dir = self.test.app().parent().unwrap().join(name);
        std::fs::create_dir_all(&dir).unwrap();
        dir
    }

    /// What the action keeps for itself.
    fn own(&self) -> PathBuf {
        self.dir("tmp dir").join("landfall")
    }

    fn step(&self, name: &str) -> Ran {
        let command = "exec bash \"$GITHUB_ACTION_PATH/action/$STEP.sh\"";
        let path = std::env::var("PATH").unwrap_or_default();
        let mut bash = Command::new("bash");
        bash.args(["--noprofile", "--norc", "-eo", "pipefail", "-c", command])
            .env_clear()
            .env("HOME", self.dir("."))
            .env("LANDFALL_HOME", self.test.state())
            .current_dir(self.dir("."))
            .env("PATH", format!("{}:{path}", self.dir("tools").display()))
            .env("STEP", name)
            .env("GITHUB_ACTION_PATH", repository())
            .env("GITHUB_ACTIONS", "true")
            .env("GITHUB_OUTPUT", self.dir("tools").join("output"))
            .env("RUNNER_TEMP", self.dir("tmp dir"));
        for (name, value) in &self.inputs {
            bash.env(format!("INPUT_{name}"), value);
        }
        ran(bash.output().unwrap())
    }

    fn ok(&self, name: &str) -> Ran {
        let ran = self.step(name);
        assert_eq!(ran.code, 0, "{name}: {}{}", ran.stdout, ran.stderr);
        ran
    }
}

#[test]
fn g5_the_action_deploys_with_the_key_and_the_host_keys_that_it_is_given_and_leaves_none() {
    let test = Test::with_site();
    let server = Server::of(&test);
    let runner = Runner::new(&test, &server).with("ARGS", "--limit-rate\n50M\n\n--force");
    runner.ok("set-up");
    for file in ["key", "known_hosts", "ssh_config"] {
        let mode = runner
            .own()
            .join(file)
            .metadata()
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600, "{file}");
    }
    let config = std::fs::read_to_string(runner.own().join("ssh_config")).unwrap();
    assert!(config.contains("StrictHostKeyChecking yes"), "{config}");
    runner.ok("deploy");
    let outputs = std::fs::read_to_string(runner.dir("tools").join("output")).unwrap();
    assert!(outputs.contains("outcome=succeeded\n"), "{outputs}");
    let called = std::fs::read_to_string(runner.dir("tools").join("log")).unwrap();
    let config = runner.own().join("ssh_config");
    assert!(
        called.starts_with(&format!("-F\n{}\n", config.display())),
        "{called}"
    );
    let history = runner
        .server
        .ok(Key::Full, "production", &["history"])
        .stdout;
    assert!(history.contains("deploy"), "{history}");
    runner.ok("clean-up");
    assert!(!runner.own().exists());
}

#[test]
fn g5_the_action_says_what_is_wrong_with_its_inputs() {
    let test = Test::with_site();
    let server = Server::of(&test);
    for (name, value, says) in [
        ("SSH_KEY", "nonsense", "is no private key"),
        ("KNOWN_HOSTS", "", "which server is the right one"),
        ("BINARY", "/nowhere", "names no file"),
        ("VERSION", "9.9.9", "another version"),
    ] {
        let _ = std::fs::remove_dir_all(test.app().parent().unwrap().join("tools"));
        let runner = Runner::new(&test, &server).with(name, value);
        let ran = runner.step("set-up");
        assert_eq!(ran.code, 2, "{name}: {}{}", ran.stdout, ran.stderr);
        assert!(
            ran.stdout.contains("::error title=landfall::"),
            "{}",
            ran.stdout
        );
        assert!(ran.stdout.contains(says), "{name}: {}", ran.stdout);
        runner.ok("clean-up");
    }
}

#[test]
fn g5_nothing_that_the_action_is_given_is_text_of_a_script() {
    let action = std::fs::read_to_string(repository().join("action.yml")).unwrap();
    let mut steps = 0;
    for line in action.lines().map(str::trim) {
        if let Some(command) = line.strip_prefix("run:") {
            assert!(!command.contains("${{"), "{line}");
            assert!(
                command
                    .trim()
                    .starts_with("exec bash \"$GITHUB_ACTION_PATH/"),
                "{line}"
            );
            steps += 1;
        }
    }
    assert_eq!(steps, 3);
    let test = Test::with_site();
    let server = Server::of(&test);
    let runner = Runner::new(&test, &server).with("ENVIRONMENT", "$(touch pwned); `touch pwned`");
    runner.ok("set-up");
    assert_eq!(runner.step("deploy").code, 2);
    assert!(!runner.dir(".").join("pwned").exists() && !test.app().join("pwned").exists());
}
