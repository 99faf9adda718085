//! The two engines, and the registry between them.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail};

use crate::http;
use crate::process::{Server, Workplace};
use crate::wait::wait_for;

use super::project::Project;
use super::wire::Wire;

/// The client beside the engine: another one may stand earlier in `PATH`.
const DOCKER: &str = "/usr/bin/docker";
const UP_WITHIN: Duration = Duration::from_secs(60);

/// Who sends, who receives, and a registry that both reach.
pub struct Sides {
    /// The machine that images are built on.
    pub sender: Engine,
    /// The machine that they run on.
    pub server: Engine,
    /// The ways of each to the registry.
    pub to_registry: Wire,
    pub from_registry: Wire,
    _registry: Server,
}

/// An engine of the benchmark's own.
pub struct Engine {
    dir: PathBuf,
    _daemon: Server,
}

impl Sides {
    /// Starts them.
    ///
    /// # Errors
    /// When one does not start.
    pub fn start(place: &Workplace, case: &str) -> Result<Self> {
        let address = http::free_address()?;
        let dir = place.dir(&format!("registry-{case}"))?;
        let config = dir.join("config.yml");
        fs::write(
            &config,
            format!(
                "version: 0.1\nlog: {{ level: error }}\nstorage: {{ filesystem: {{ rootdirectory: {} }} }}\nhttp: {{ addr: {address} }}\n",
                dir.join("data").display()
            ),
        )?;
        let mut registry = Command::new("docker-registry");
        registry.arg("serve").arg(&config);
        let registry = Server::start(registry, &dir.join("output"))?;
        http::wait_for_200(address, "/v2/", UP_WITHIN)?;
        Ok(Self {
            sender: Engine::start(place, &format!("sender-{case}"))?,
            server: Engine::start(place, &format!("server-{case}"))?,
            to_registry: Wire::to(address)?,
            from_registry: Wire::to(address)?,
            _registry: registry,
        })
    }

    /// Builds a version at the sender; the image's id.
    ///
    /// # Errors
    /// When it does not build.
    pub fn build(&self, project: &Project, version: usize) -> Result<String> {
        let dir = project.at_version(version)?;
        let mut build = self.sender.docker(&["build", "--network=none", "--quiet"]);
        build.env("DOCKER_BUILDKIT", "0").arg(dir);
        output(build)
    }

    /// Removes an image from the server, with all layers that no other image has.
    ///
    /// # Errors
    /// When it is not there.
    pub fn forget_at_server(&self, image: &str) -> Result<()> {
        output(self.server.docker(&["image", "rm", "--force", image])).map(drop)
    }
}

impl Engine {
    fn start(place: &Workplace, name: &str) -> Result<Self> {
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
            .args(["--ip-forward=false", "--ip-masq=false"]);
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

    /// A command of the client.
    pub fn docker(&self, args: &[&str]) -> Command {
        let mut client = Command::new(DOCKER);
        client
            .arg("-H")
            .arg(format!("unix://{}", self.dir.join("sock").display()))
            .args(args)
            .stdin(Stdio::null());
        client
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        // What it still has mounted is gone with its containers, of which a build leaves none.
        let mounts = fs::read_to_string("/proc/self/mounts").unwrap_or_default();
        let own = format!("{}/", self.dir.display());
        let paths = mounts.lines().filter_map(|line| line.split(' ').nth(1));
        for path in paths.filter(|path| path.starts_with(&own)) {
            let _ = Command::new("umount").args(["-l", path]).status();
        }
    }
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
