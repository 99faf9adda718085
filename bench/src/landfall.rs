//! Landfall as its users run it: commands in a project, with a state directory of their own.

use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::http;
use crate::process::{Workplace, set_aside};

/// A state directory and a project.
#[derive(Debug)]
pub struct Landfall {
    program: PathBuf,
    home: PathBuf,
    project: PathBuf,
    http: SocketAddr,
    env: Vec<(&'static str, String)>,
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

/// The steps that lines of a deployment tell, and the seconds from the end of the one before, or
/// from the command, to the end of each.
pub fn steps_in(lines: &[(Duration, String)]) -> Vec<(String, f64)> {
    let mut before = Duration::ZERO;
    let mut steps = Vec::new();
    for (time, line) in lines {
        let Some(rest) = line.trim_start().strip_prefix("✓ ") else {
            continue;
        };
        let name = rest.split(' ').next().unwrap_or_default();
        steps.push((name.to_owned(), time.saturating_sub(before).as_secs_f64()));
        before = *time;
    }
    steps
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
            env: Vec::new(),
        })
    }

    /// With a variable for its commands.
    pub fn with_env(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.env.push((name, value.into()));
        self
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

    /// Makes the state directory an empty one. No agent may run in it.
    ///
    /// # Errors
    /// When it cannot.
    pub fn forget(&self) -> Result<()> {
        set_aside(&self.home)?;
        fs::create_dir(&self.home).context("failed to make a state directory")
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
        let status = self
            .command(args)
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

    /// Runs a command that starts no agent to its end; its lines, each with the time after which
    /// it came.
    ///
    /// # Errors
    /// When it fails; with what it said.
    pub fn lines(&self, args: &[&str]) -> Result<Vec<(Duration, String)>> {
        let began = Instant::now();
        let err = self.home.with_extension("stderr");
        let mut running = self
            .command(args)
            .stdout(Stdio::piped())
            .stderr(File::create(&err).context("failed to create a file")?)
            .spawn()
            .with_context(|| format!("failed to start {}", self.program.display()))?;
        let out = running.stdout.take().context("no output")?;
        let lines = BufReader::new(out).lines();
        let lines = lines.map(|line| Ok((began.elapsed(), line?)));
        let lines = lines.collect::<Result<Vec<_>>>()?;
        let status = running.wait()?;
        if !status.success() {
            let why = fs::read_to_string(&err)?;
            bail!("landfall {} ended with {status}:\n{why}", args.join(" "));
        }
        Ok(lines)
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(&self.program);
        command
            .args(args)
            .current_dir(&self.project)
            .env("LANDFALL_HOME", &self.home)
            .env("LANDFALL_HTTP", self.http.to_string())
            .env("NO_COLOR", "1")
            .envs(self.env.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null());
        command
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
