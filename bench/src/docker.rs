//! Docker engines of a benchmark's own, and commands of their client.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail};

use crate::process::{Server, Workplace};
use crate::wait::wait_for;

/// The client beside the engine: another one may stand earlier in `PATH`.
const DOCKER: &str = "/usr/bin/docker";
const UP_WITHIN: Duration = Duration::from_secs(60);

/// An engine with its own data, socket and networks. Dropping it removes its containers.
pub struct Engine {
    dir: PathBuf,
    _daemon: Server,
}

impl Engine {
    /// Starts it.
    ///
    /// # Errors
    /// When it does not start.
    pub fn start(place: &Workplace, name: &str) -> Result<Self> {
        let dir = place.dir(name)?;
        let path = |name: &str| dir.join(name).into_os_string();
        let mut daemon = Command::new("dockerd");
        daemon.arg("--data-root").arg(path("data"));
        daemon.arg("--exec-root").arg(path("exec"));
        daemon.arg("--pidfile").arg(path("pid"));
        daemon
            .arg("-H")
            .arg(format!("unix://{}", dir.join("sock").display()))
            // The host's own network is none of its business.
            .args(["--bridge=none", "--iptables=false", "--ip6tables=false"])
            .args(["--ip-forward=false", "--ip-masq=false"])
            .arg("--default-address-pool")
            .arg(format!("base=10.{}.0.0/16,size=26", octet()));
        let daemon = Server::start(daemon, &dir.join("output"))?;
        let engine = Self {
            dir,
            _daemon: daemon,
        };
        wait_for(UP_WITHIN, "an engine", || {
            output(engine.docker(&["version"])).ok()
        })?;
        Ok(engine)
    }

    /// Where it listens, as `DOCKER_HOST` says it.
    pub fn host(&self) -> String {
        format!("unix://{}", self.dir.join("sock").display())
    }

    /// A command of the client.
    pub fn docker(&self, args: &[&str]) -> Command {
        let mut client = Command::new(DOCKER);
        client
            .args(["-H", &self.host()])
            .args(args)
            .stdin(Stdio::null());
        client
    }

    /// Builds the image that the Dockerfile of a directory describes; its id.
    ///
    /// # Errors
    /// When it does not build.
    pub fn build(&self, dir: &std::path::Path) -> Result<String> {
        let mut build = self.docker(&["build", "--network=none", "--quiet"]);
        build.env("DOCKER_BUILDKIT", "0").arg(dir);
        output(build)
    }

    /// Removes all that lists, each by itself, whatever becomes of the others.
    fn remove_all(&self, list: &[&str], remove: &[&str]) {
        let listed = output(self.docker(list)).unwrap_or_default();
        for id in listed.lines() {
            let _ = output(self.docker(&[remove, &[id]].concat()));
        }
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        self.remove_all(&["ps", "--all", "--quiet"], &["rm", "--force", "--volumes"]);
        let networks = ["network", "ls", "--quiet", "--filter", "type=custom"];
        self.remove_all(&networks, &["network", "rm"]);
        let mounts = fs::read_to_string("/proc/self/mounts").unwrap_or_default();
        let own = format!("{}/", self.dir.display());
        let paths = mounts.lines().filter_map(|line| line.split(' ').nth(1));
        for path in paths.filter(|path| path.starts_with(&own)) {
            let _ = Command::new("umount").args(["-l", path]).status();
        }
    }
}

/// The second byte of its networks' addresses: above what clouds and home networks use most, below
/// what Docker takes by itself.
fn octet() -> u32 {
    64 + std::process::id() % 128
}

/// Runs a command; what it printed.
///
/// # Errors
/// When it fails, with what it said.
pub fn output(mut command: Command) -> Result<String> {
    let output = command
        .output()
        .with_context(|| format!("failed to start {command:?}"))?;
    if !output.status.success() {
        bail!(
            "{command:?} failed: {}",
            String::from_utf8_lossy(&output.stderr).trim()
        );
    }
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}
