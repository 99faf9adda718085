//! PM2 as its users run it.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

use crate::http;
use crate::process::Workplace;

/// A home of PM2 with its daemon.
#[derive(Debug)]
pub struct Pm2 {
    program: PathBuf,
    home: PathBuf,
}

impl Pm2 {
    /// Nothing is started yet.
    ///
    /// # Errors
    /// When there is no PM2.
    pub fn new(program: Option<&Path>, place: &Workplace, name: &str) -> Result<Self> {
        let program = program.context("no --pm2 is given; `cargo xtask bench` installs one")?;
        Ok(Self {
            program: program.to_owned(),
            home: place.dir(name)?,
        })
    }

    /// Runs a command to its end.
    ///
    /// # Errors
    /// When it fails; with what it said.
    pub fn run(&self, args: &[&str]) -> Result<()> {
        let output = self.home.join("bench-output");
        let file = fs::File::create(&output)?;
        let status = Command::new(&self.program)
            .args(args)
            .current_dir(&self.home)
            .env("PM2_HOME", &self.home)
            .stdin(Stdio::null())
            .stdout(file.try_clone()?)
            .stderr(file)
            .status()
            .with_context(|| format!("failed to start {}", self.program.display()))?;
        if !status.success() {
            let said = fs::read_to_string(&output)?;
            bail!("pm2 {} ended with {status}:\n{said}", args.join(" "));
        }
        Ok(())
    }

    /// Writes an ecosystem file with one app; its path.
    ///
    /// # Errors
    /// When it cannot.
    pub fn ecosystem(&self, app: &Value) -> Result<String> {
        let path = self.home.join("app.config.json");
        fs::write(&path, json!({ "apps": [app] }).to_string())?;
        Ok(path.to_string_lossy().into_owned())
    }

    /// Writes the web app for Node.js and its ecosystem file: its path, and where it will listen.
    ///
    /// # Errors
    /// When it cannot.
    pub fn node_app(&self, mode: &str, instances: u32) -> Result<(String, SocketAddr)> {
        let address = http::free_address()?;
        let script = self.home.join("app.js");
        fs::write(&script, crate::apps::NODE)?;
        let file = self.ecosystem(&json!({
            "name": "web", "script": script, "exec_mode": mode, "instances": instances,
            "env": { "PORT": address.port().to_string() },
        }))?;
        Ok((file, address))
    }

    /// The daemon's process id.
    ///
    /// # Errors
    /// When it does not run.
    pub fn daemon(&self) -> Result<u32> {
        let pid = fs::read_to_string(self.home.join("pm2.pid")).context("no PM2 daemon runs")?;
        Ok(pid.trim().parse()?)
    }

    /// Stops everything.
    pub fn kill(&self) {
        // What this leaves is killed with the workplace.
        let _ = self.run(&["kill"]);
    }
}
