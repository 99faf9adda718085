//! A server that is reached over an `ssh` which is a script: what it would run there runs here, on
//! an agent with a state directory of its own.

use std::io::{Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::harness::{DEADLINE, Ran, Test, ran};

/// Which key is used.
#[derive(Clone, Copy)]
pub enum Key {
    /// One without limits.
    Full,
    /// One with a forced command, for `production` of the site.
    Limited,
}

pub struct Server<'a> {
    test: &'a Test,
    dir: PathBuf,
}

impl<'a> Server<'a> {
    /// With an agent that runs, for `production` and `staging` of the test's app.
    pub fn of(test: &'a Test) -> Self {
        let toml = test.read("landfall.toml")
            + "[environment.production]\nserver = \"ada@192.0.2.1\"\n\
               [environment.staging]\nserver = \"ada@192.0.2.1\"\n\
               [[environment.staging.route]]\nhost = \"staging.localhost\"\nto = \"web\"\n";
        test.write("landfall.toml", &toml);
        let dir = test.app().parent().unwrap().join("srv");
        std::fs::create_dir(&dir).unwrap();
        let server = Self { test, dir };
        server.script(Key::Full, "dial-stdio");
        server.script(Key::Limited, "dial-stdio --only site/production");
        let started = ran(server.agent(&["agent", "start"]).output().unwrap());
        assert_eq!(started.code, 0, "{}{}", started.stdout, started.stderr);
        server
    }

    fn script(&self, key: Key, command: &str) {
        let program = env!("CARGO_BIN_EXE_landfall");
        let home = self.home();
        // The last argument is what is to be run there; the first word of ours is where it would be.
        let text = format!(
            "#!/bin/sh\nexport LANDFALL_HOME='{}'\nfor last; do :; done\n\
             case \"$last\" in\n\
             *git-init*) eval \"exec '{program}' ${{last#* }}\" ;;\n\
             git-receive-pack*) eval \"exec $last\" ;;\n\
             *) exec '{program}' {command} ;;\n\
             esac\n",
            home.display()
        );
        let path = self.ssh(key);
        std::fs::write(&path, text).unwrap();
        std::fs::set_permissions(&path, PermissionsExt::from_mode(0o755)).unwrap();
    }

    /// The script.
    pub fn ssh(&self, key: Key) -> PathBuf {
        self.dir.join(match key {
            Key::Full => "full",
            Key::Limited => "limited",
        })
    }

    pub fn home(&self) -> PathBuf {
        self.dir.join("s")
    }

    fn agent(&self, args: &[&str]) -> Command {
        let mut command = self.test.command(args);
        command.env("LANDFALL_HOME", self.home());
        command
    }

    /// A command with an environment on the server, not started yet.
    pub fn command(&self, key: Key, environment: &str, args: &[&str]) -> Command {
        let mut command = self.test.command(args);
        command
            .args(["--env", environment])
            .env("LANDFALL_SSH", self.ssh(key));
        command
    }

    pub fn run(&self, key: Key, environment: &str, args: &[&str]) -> Ran {
        ran(self.command(key, environment, args).output().unwrap())
    }

    pub fn ok(&self, key: Key, environment: &str, args: &[&str]) -> Ran {
        let ran = self.run(key, environment, args);
        assert_eq!(ran.code, 0, "{args:?}: {}{}", ran.stdout, ran.stderr);
        ran
    }

    pub fn json(&self, key: Key, environment: &str, args: &[&str]) -> Value {
        let args: Vec<&str> = args.iter().copied().chain(["--json"]).collect();
        serde_json::from_str(&self.ok(key, environment, &args).stdout).unwrap()
    }

    /// Status and body of what the agent answers over a connection that is limited to `production`.
    pub fn ask_limited(&self, method: &str, path: &str, body: &str) -> (u16, String) {
        let mut stream = connect(&self.home());
        let limit = "POST /v1/limit?app=site&environment=production HTTP/1.1\r\nHost: landfall\r\n\
                     Connection: upgrade\r\nUpgrade: landfall-limited\r\n\r\n";
        stream.write_all(limit.as_bytes()).unwrap();
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            stream.read_exact(&mut byte).unwrap();
            head.push(byte[0]);
        }
        assert!(head.starts_with(b"HTTP/1.1 101"), "{head:?}");
        ask(stream, method, path, body)
    }

    /// The same over one without limits.
    pub fn ask(&self, method: &str, path: &str, body: &str) -> (u16, String) {
        ask(connect(&self.home()), method, path, body)
    }
}

fn connect(home: &Path) -> UnixStream {
    let stream = UnixStream::connect(home.join("run/agent.sock")).unwrap();
    stream.set_read_timeout(Some(DEADLINE)).unwrap();
    stream
}

fn ask(mut stream: UnixStream, method: &str, path: &str, body: &str) -> (u16, String) {
    let request = format!(
        "{method} {path} HTTP/1.1\r\nHost: landfall\r\nConnection: close\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    (status, body.to_owned())
}

impl Drop for Server<'_> {
    fn drop(&mut self) {
        let stop = ["agent", "stop", "--everything", "--yes"];
        let stopped = ran(self.agent(&stop).output().unwrap());
        if stopped.code != 0 && !std::thread::panicking() {
            panic!("failed to clean up: {}{}", stopped.stdout, stopped.stderr);
        }
    }
}
