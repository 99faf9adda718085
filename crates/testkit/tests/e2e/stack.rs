//! An example of several containers in a sandbox, on an engine of the test's own.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::Command;
use std::rc::Rc;

use landfall_testkit::docker::DockerEngine;
use landfall_testkit::{Project, Sandbox, bins};

use crate::site::Site;

/// Laid over the example's own files: the engine of a test has no bridge by which a step of a build
/// would reach the registries of packages.
const OVERLAY: &str = "compose.test.yaml";

/// An example, and an engine that has the images that it is built from.
pub struct Stack {
    // Before the engine: what the agent keeps goes first.
    pub sandbox: Sandbox,
    pub engine: Rc<DockerEngine>,
    name: &'static str,
}

impl Stack {
    /// A copy of an example, of which these services are built.
    pub fn of(name: &'static str, built: &[&str]) -> Self {
        let engine = Rc::new(DockerEngine::start(false));
        engine.base_images();
        let host = format!("unix://{}", engine.socket().display());
        let sandbox = Sandbox::new().with_env("DOCKER_HOST", host);
        lay_out(&sandbox, name, built);
        Self {
            sandbox,
            engine,
            name,
        }
    }

    pub fn project(&self) -> Project<'_> {
        Project::at(&self.sandbox, self.sandbox.dir().join(self.name))
    }

    /// Replaces a piece of a file, which is in it.
    #[track_caller]
    pub fn edit(&self, path: &str, old: &str, new: &str) {
        let text = self.project().read(path);
        assert!(text.contains(old), "{old:?} in {path}:\n{text}");
        self.project().write(path, &text.replace(old, new));
    }

    /// The ids of the containers of a service that run.
    pub fn containers(&self, service: &str) -> Vec<String> {
        let label = format!("label=dev.landfall.service={service}");
        let listed = self
            .engine
            .docker(&["ps", "-q", "--no-trunc", "--filter", &label]);
        listed.lines().map(str::to_owned).collect()
    }

    /// Which services a deploy built, from the builder's own words.
    pub fn built(output: &str) -> Vec<String> {
        let mut steps: BTreeMap<String, usize> = BTreeMap::new();
        for line in output.lines() {
            if let Some((service, said)) = line.split_once(" | #")
                && said.contains("exporting to image")
            {
                *steps.entry(service.trim().to_owned()).or_default() += 1;
            }
        }
        steps.into_keys().collect()
    }

    /// What users see of it.
    pub fn site(&self) -> Site {
        Site::at(self.sandbox.http())
    }
}

/// Copies an example, of which these services are built.
pub fn lay_out<'a>(sandbox: &'a Sandbox, name: &str, built: &[&str]) -> Project<'a> {
    let dir = sandbox.dir().join(name);
    let copied = Command::new("cp")
        .arg("-r")
        .arg(bins::checkout().join("examples").join(name))
        .arg(&dir)
        .status();
    assert!(copied.is_ok_and(|status| status.success()), "no copy");
    let project = Project::at(sandbox, dir);
    project.write(".env", &project.read(".env.example"));
    let services = built
        .iter()
        .map(|service| format!("  {service}: {{ build: {{ network: host }} }}\n"));
    let overlay: String = services.collect();
    project.write(OVERLAY, &format!("services:\n{overlay}"));
    let toml = project.read("landfall.toml");
    let lines = toml.lines().map(|line| match line.starts_with("compose") {
        true => line.replace(']', &format!(", {OVERLAY:?}]")),
        false => line.to_owned(),
    });
    let toml: Vec<String> = lines.collect();
    project.write("landfall.toml", &toml.join("\n"));
    project
}

impl Drop for Stack {
    fn drop(&mut self) {
        let stop = ["agent", "stop", "--everything", "--yes"];
        let _ = self.project().landfall(&stop);
    }
}

/// Opens a WebSocket and reads its messages to the end; how many there were, and the code with
/// which the app closed it.
pub fn stream(proxy: SocketAddr, path: &str) -> (usize, Option<u16>) {
    let mut socket = TcpStream::connect(proxy).expect("the proxy listens");
    let request = format!(
        "GET {path} HTTP/1.1\r\nhost: localhost\r\nconnection: Upgrade\r\nupgrade: websocket\r\n\
         sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    );
    socket.write_all(request.as_bytes()).expect("a request");
    let mut read = Vec::new();
    socket.read_to_end(&mut read).expect("messages");
    let end = read.windows(4).position(|four| four == b"\r\n\r\n");
    let mut frames = &read[end.expect("a head") + 4..];
    let mut messages = 0;
    while let [first, second, rest @ ..] = frames {
        // The app's frames are short and not masked (RFC 6455, 5.2).
        let (length, rest) = match usize::from(second & 0x7f) {
            126 => (
                usize::from(u16::from_be_bytes([rest[0], rest[1]])),
                &rest[2..],
            ),
            short => (short, rest),
        };
        match first & 0x0f {
            8 => {
                let code = rest
                    .get(..2)
                    .map(|code| u16::from_be_bytes([code[0], code[1]]));
                return (messages, code);
            }
            1 | 2 => messages += 1,
            _ => {}
        }
        frames = &rest[length..];
    }
    (messages, None)
}
