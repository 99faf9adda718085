//! A workbench for one test: a Landfall of its own on an engine, and nothing left on it after.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use landfall_model::InstanceId;
use landfall_model::container::{ContainerRun, NetworkMode, NetworkOptions, NetworkRef};
use landfall_model::env::{EnvValues, Secret};
use landfall_model::spec::{Limits, RestartSpec, StopSpec};
use landfall_runtime::docker::{DockerRuntime, DockerRuntimeOptions};
use landfall_runtime::{
    INSTANCE_FORMAT, InstanceSpec, InstanceState, InstanceStatus, LogQuery, LogSpec, Owner,
    RunSpec, Runtime, Stream,
};

use crate::engine_fixture::{DockerEngine, IMAGE};

pub use crate::support::{eventually, is_alive, kill, pid, within};
/// The port that apps are told to listen on.
pub const PORT: u16 = 8080;

pub struct Bench {
    pub runtime: DockerRuntime,
    pub root: tempfile::TempDir,
    pub home: String,
    socket: std::path::PathBuf,
}

impl Bench {
    /// On the engine that is shared.
    pub fn new() -> Self {
        Self::on(DockerEngine::shared())
    }

    pub fn on(engine: &DockerEngine) -> Self {
        let root = tempfile::tempdir().expect("a directory");
        let home = unique("home");
        let socket = engine.socket();
        Self {
            runtime: runtime_on(&socket, &home, root.path()),
            root,
            home,
            socket,
        }
    }

    /// The runtime as an agent has it that was started anew.
    pub fn another_runtime(&self) -> DockerRuntime {
        runtime_on(&self.socket, &self.home, self.root.path())
    }

    /// The network of the bench's containers.
    pub fn network(&self) -> String {
        format!("landfall-{}", self.home)
    }

    /// A spec of a shell script, with an id of its own.
    pub fn sh(&self, script: &str) -> InstanceSpec {
        self.container(ContainerRun {
            image: IMAGE.to_owned(),
            entrypoint: Some(vec!["/bin/sh".into(), "-c".into()]),
            command: Some(vec![script.into()]),
            network: NetworkMode::Joined(vec![NetworkRef {
                name: self.network(),
                aliases: vec!["web".to_owned()],
                external: false,
                options: NetworkOptions::default(),
            }]),
            port: Some(PORT),
            ..ContainerRun::default()
        })
    }

    /// A service whose end by itself is waited for, however busy the machine is.
    pub fn patient(&self, script: &str) -> InstanceSpec {
        InstanceSpec {
            stop: stop(Duration::from_secs(40)),
            ..self.service(script)
        }
    }

    /// A shell script that is restarted.
    pub fn service(&self, script: &str) -> InstanceSpec {
        InstanceSpec {
            restart: Some(RestartSpec::default()),
            ..self.sh(script)
        }
    }

    pub fn container(&self, run: ContainerRun) -> InstanceSpec {
        InstanceSpec {
            format: INSTANCE_FORMAT,
            id: unique("test").parse().expect("an id"),
            owner: Some(Owner {
                app: "shop".parse().expect("a name"),
                environment: "test".parse().expect("a name"),
                service: "web".parse().expect("a name"),
                task: None,
                release: landfall_model::ReleaseNumber(1),
                deployment: None,
            }),
            run: RunSpec::Container(run),
            port: None,
            restart: None,
            // Most scripts do not care for signals, and no test should wait for that.
            stop: stop(Duration::from_millis(200)),
            limits: Limits::default(),
            log: LogSpec::default(),
        }
    }

    pub async fn start(&self, spec: &InstanceSpec) {
        within(self.runtime.start(spec, &env(&[])))
            .await
            .expect("a start");
    }

    pub async fn stop(&self, spec: &InstanceSpec) {
        within(self.runtime.stop(&spec.id, &spec.stop))
            .await
            .expect("a stop");
    }

    pub async fn status(&self, id: &InstanceId) -> InstanceStatus {
        self.runtime.status(id).await.expect("a status")
    }

    /// Waits for a status by way of `changed`.
    pub async fn until(
        &self,
        id: &InstanceId,
        is_it: impl Fn(&InstanceStatus) -> bool,
    ) -> InstanceStatus {
        within(async {
            let mut status = self.status(id).await;
            while !is_it(&status) {
                let changed = self.runtime.changed(id, status.seq).await;
                status = changed.expect("a change");
            }
            status
        })
        .await
    }

    pub async fn until_exited(&self, id: &InstanceId) -> InstanceStatus {
        self.until(id, |status| status.state == InstanceState::Exited)
            .await
    }

    pub async fn until_running(&self, id: &InstanceId) -> InstanceStatus {
        self.until(id, |status| {
            matches!(status.state, InstanceState::Running { .. })
        })
        .await
    }

    /// The texts of one stream.
    pub async fn texts(&self, id: &InstanceId, stream: Stream) -> Vec<String> {
        let lines = self.runtime.logs(id, &LogQuery::default()).await;
        let of_stream = lines
            .expect("a log")
            .into_iter()
            .filter(|line| line.stream == stream);
        of_stream.map(|line| line.text).collect()
    }

    /// Waits until standard output has a line like this, and gives the rest of it.
    pub async fn line(&self, id: &InstanceId, prefix: &str) -> String {
        eventually(&format!("a line {prefix:?}"), async || {
            let texts = self.texts(id, Stream::Stdout).await;
            texts
                .iter()
                .find_map(|text| Some(text.strip_prefix(prefix)?.to_owned()))
        })
        .await
    }

    /// Runs a command of Docker's own client; what it printed.
    pub fn docker(&self, args: &[&str]) -> String {
        let output = std::process::Command::new("/usr/bin/docker")
            .arg("-H")
            .arg(format!("unix://{}", self.socket.display()))
            .args(args)
            .output()
            .expect("docker");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "docker {args:?}: {said}");
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    }

    /// What the engine says of an instance's container.
    pub fn inspect(&self, id: &InstanceId) -> serde_json::Value {
        let text = self.docker(&["inspect", &container(id)]);
        let all: serde_json::Value = serde_json::from_str(&text).expect("json");
        all[0].clone()
    }
}

impl Drop for Bench {
    /// Removes whatever the test left; an engine that is down has none.
    fn drop(&mut self) {
        let engine = || {
            let mut client = std::process::Command::new("/usr/bin/docker");
            client
                .arg("-H")
                .arg(format!("unix://{}", self.socket.display()));
            client
        };
        let label = format!("label=dev.landfall.home={}", self.home);
        let listed = engine().args(["ps", "-aq", "--filter", &label]).output();
        let listed = listed.map(|output| output.stdout).unwrap_or_default();
        for id in String::from_utf8_lossy(&listed).split_whitespace() {
            let _ = engine().args(["rm", "-fv", id]).output();
        }
        let _ = engine().args(["network", "rm", &self.network()]).output();
    }
}

pub fn runtime_on(socket: &Path, home: &str, root: &Path) -> DockerRuntime {
    DockerRuntime::new(DockerRuntimeOptions {
        socket: socket.to_owned(),
        home: home.to_owned(),
        records_dir: root.join("containers"),
    })
}

/// The name of an instance's container.
pub fn container(id: &InstanceId) -> String {
    format!("landfall-{id}")
}

pub fn stop(grace: Duration) -> StopSpec {
    StopSpec {
        signal: "SIGTERM".into(),
        grace,
    }
}

pub fn env(values: &[(&str, &str)]) -> EnvValues {
    let given = values
        .iter()
        .map(|(name, value)| ((*name).to_owned(), Secret::new(*value)));
    let port = ("PORT".to_owned(), Secret::new(PORT.to_string()));
    BTreeMap::from_iter(std::iter::once(port).chain(given))
}

/// A name that nothing else has.
pub fn unique(prefix: &str) -> String {
    let random: u64 = std::hash::BuildHasher::hash_one(&std::hash::RandomState::new(), 0);
    format!("{prefix}-{random:x}")
}

/// The container of a spec, to be changed.
pub fn run(spec: &mut InstanceSpec) -> &mut ContainerRun {
    match &mut spec.run {
        RunSpec::Container(run) => run,
        RunSpec::Process { .. } => panic!("no container"),
    }
}

/// Asks for a path over HTTP; the body, or `None` while nobody answers.
pub async fn get(address: std::net::SocketAddr, path: &str) -> Option<String> {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let mut stream = tokio::net::TcpStream::connect(address).await.ok()?;
    let request = format!("GET {path} HTTP/1.0\r\n\r\n");
    stream.write_all(request.as_bytes()).await.ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.ok()?;
    let (_, body) = answer.split_once("\r\n\r\n")?;
    Some(body.trim().to_owned())
}
