//! Landfall as its users run it: commands in a project, with a state directory of their own.

use std::fs::{self, File};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::http;
use crate::process::Workplace;

/// A state directory and a project.
#[derive(Debug)]
pub struct Landfall {
    program: PathBuf,
    home: PathBuf,
    project: PathBuf,
    http: SocketAddr,
    docker_host: Option<String>,
}

/// The processes of Landfall itself.
#[derive(Debug, Default)]
pub struct Own {
    /// The agent.
    pub agent: Vec<u32>,
    /// The proxy.
    pub proxy: Vec<u32>,
    /// All shims: those of the apps, and those of agent and proxy.
    pub shims: Vec<u32>,
}

/// The steps of a deployment and their seconds, from what `deploy --json` prints.
pub fn steps(result: &Value) -> Vec<(String, f64)> {
    let steps = result["steps"].as_array().into_iter().flatten();
    steps
        .filter_map(|step| {
            let seconds = step["ms"].as_f64()? / 1000.0;
            Some((step["name"].as_str()?.to_owned(), seconds))
        })
        .collect()
}

impl Landfall {
    /// Nothing is started yet.
    ///
    /// # Errors
    /// When the directories cannot be made.
    pub fn new(program: &Path, place: &Workplace, name: &str) -> Result<Self> {
        Ok(Self {
            program: program.to_owned(),
            home: place.dir(&format!("{name}-home"))?,
            project: place.dir(name)?,
            http: http::free_address()?,
            docker_host: None,
        })
    }

    /// With an engine for its containers.
    pub fn on(self, docker_host: String) -> Self {
        Self {
            docker_host: Some(docker_host),
            ..self
        }
    }

    /// Writes a file of the project.
    ///
    /// # Errors
    /// When it cannot.
    pub fn write(&self, path: &str, text: &str) -> Result<()> {
        let path = self.project.join(path);
        fs::write(&path, text).with_context(|| format!("failed to write {}", path.display()))
    }

    /// The project.
    pub fn project(&self) -> &Path {
        &self.project
    }

    /// The state directory.
    pub fn home(&self) -> &Path {
        &self.home
    }

    /// Where the proxy serves.
    pub fn http(&self) -> SocketAddr {
        self.http
    }

    /// Runs a command to its end; what it prints for programs.
    ///
    /// # Errors
    /// When it fails; with what it said.
    pub fn run(&self, args: &[&str]) -> Result<String> {
        // Through files: a pipe stays open for as long as the agent that the command may start.
        let [out, err] = ["stdout", "stderr"].map(|name| self.home.with_extension(name));
        let create = |path: &Path| File::create(path).context("failed to create a file");
        let status = Command::new(&self.program)
            .args(args)
            .current_dir(&self.project)
            .env("LANDFALL_HOME", &self.home)
            .env("LANDFALL_HTTP", self.http.to_string())
            .env("NO_COLOR", "1")
            .envs(self.docker_host.iter().map(|host| ("DOCKER_HOST", host)))
            .stdin(Stdio::null())
            .stdout(create(&out)?)
            .stderr(create(&err)?)
            .status()
            .with_context(|| format!("failed to start {}", self.program.display()))?;
        let said = fs::read_to_string(&out)?;
        if !status.success() {
            let why = fs::read_to_string(&err)?;
            bail!(
                "landfall {} ended with {status}:\n{said}{why}",
                args.join(" ")
            );
        }
        Ok(said)
    }

    /// As [`Landfall::run`], with `--json`.
    ///
    /// # Errors
    /// When it fails, or prints something else.
    pub fn json(&self, args: &[&str]) -> Result<Value> {
        let said = self.run(&[args, &["--json"]].concat())?;
        serde_json::from_str(&said).with_context(|| format!("no JSON: {said}"))
    }

    /// Its own processes.
    pub fn own(&self, place: &Workplace) -> Own {
        let program = self.program.to_string_lossy();
        let mut own = Own::default();
        for (pid, command) in place.processes() {
            let Some(mode) = command.strip_prefix(&*program) else {
                continue;
            };
            match mode.split_ascii_whitespace().next() {
                Some("agent") => own.agent.push(pid),
                Some("proxy") => own.proxy.push(pid),
                Some("shim") => own.shims.push(pid),
                _ => {}
            }
        }
        own
    }

    /// Stops everything.
    ///
    /// # Errors
    /// When that fails.
    pub fn stop_everything(&self) -> Result<()> {
        self.run(&["agent", "stop", "--everything", "--yes"])
            .map(drop)
    }
}
