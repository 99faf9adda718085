//! Making a server ready, on the server and as root. Every part looks at what is first and can be
//! repeated: what is right stays as it is, what is missing or changed is put right and told of.

mod docker;
mod files;
mod program;
pub mod uninstall;

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use landfall_model::Network;
use serde::{Deserialize, Serialize};

use self::files::write_if_other;
pub use self::program::path_of;
use crate::config::HostConfig;
use crate::layout::{AGENT_UNIT, GROUP, HOST_CONFIG, PROXY_UNIT, PROXY_USER, UNITS};

const AGENT: &str = include_str!("../units/landfall-agent.service");
const PROXY: &str = include_str!("../units/landfall-proxy.service");
/// How long a unit may take until it is up: the agent settles its journal first.
const UP_WITHIN: Duration = Duration::from_secs(60);
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// What is to be installed.
#[derive(Debug, Clone)]
pub struct InstallRequest {
    /// The binary.
    pub program: PathBuf,
    /// Its version.
    pub version: String,
    /// Where HTTP is served; `None` keeps what the server has, or takes port 80 of all addresses.
    pub http: Option<SocketAddr>,
    /// Whether Docker is to be there as well.
    pub docker: bool,
    /// Web servers in front; empty keeps what the server has.
    pub behind: Vec<Network>,
    /// Who is to be let into the group of those who may deploy.
    pub member: Option<String>,
}

/// A part of the installation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    /// What is in place now.
    pub what: String,
    /// Whether it was put there just now.
    pub is_new: bool,
}

/// Why a server could not be made ready. What was done before stays, and is found done next time.
#[derive(Debug, thiserror::Error)]
pub enum InstallError {
    /// Only root can.
    #[error("only root can install Landfall on a server")]
    NotRoot,
    /// A file cannot be put in place.
    #[error("failed to {operation} {path}")]
    File {
        /// What was tried.
        operation: &'static str,
        /// On which file.
        path: PathBuf,
        /// Why it failed.
        #[source]
        source: io::Error,
    },
    /// A program of the system failed.
    #[error("`{command}` failed: {said}")]
    Command {
        /// The command.
        command: String,
        /// What it said.
        said: String,
    },
    /// A unit does not come up.
    #[error("{unit} does not come up:\n{log}")]
    NotUp {
        /// Which.
        unit: &'static str,
        /// The end of its log.
        log: String,
    },
    /// The new version does not come up, and the one before runs again.
    #[error("version {version} does not come up; the one before it runs again")]
    WentBack {
        /// Which.
        version: String,
        /// Why.
        #[source]
        source: Box<InstallError>,
    },
    /// The configuration that is there cannot be used.
    #[error(transparent)]
    Config(#[from] crate::config::ConfigError),
}

fn file(operation: &'static str, path: &Path) -> impl FnOnce(io::Error) -> InstallError {
    move |source| InstallError::File {
        operation,
        path: path.to_owned(),
        source,
    }
}

/// Makes this server ready and tells each part as it is done.
///
/// # Errors
/// With the first part that cannot be done.
pub fn install(request: &InstallRequest, tell: &mut dyn FnMut(Part)) -> Result<(), InstallError> {
    if !is_root() {
        return Err(InstallError::NotRoot);
    }
    let before = Before::now();
    users(request, tell)?;
    if request.docker {
        docker::docker(tell)?;
    }
    let changes = Changes {
        program: program::install(request, tell)?,
        config: config(request, tell)?,
        proxy: unit(PROXY_UNIT, PROXY, tell)?,
        agent: unit(AGENT_UNIT, AGENT, tell)?,
    };
    match start(changes, tell) {
        Ok(()) => program::forget_except(before.program.as_deref()),
        Err(error) if before.ran && changes.any() => {
            before.restore()?;
            let untold = &mut |_| {};
            start(changes, untold)?;
            Err(InstallError::WentBack {
                version: request.version.clone(),
                source: Box::new(error),
            })
        }
        Err(error) => Err(error),
    }
}

/// What is another than it was.
#[derive(Debug, Clone, Copy)]
struct Changes {
    program: bool,
    config: bool,
    proxy: bool,
    agent: bool,
}

impl Changes {
    fn any(self) -> bool {
        self.program || self.config || self.proxy || self.agent
    }
}

/// Brings proxy and agent up as they are installed now.
fn start(changes: Changes, tell: &mut dyn FnMut(Part)) -> Result<(), InstallError> {
    if changes.proxy || changes.agent {
        run("systemctl", &["daemon-reload"])?;
    }
    run("systemctl", &["enable", "--quiet", PROXY_UNIT, AGENT_UNIT])?;
    let how = match changes.program {
        true => " the new version",
        false => " with what is new",
    };
    let is_other = changes.program || changes.proxy;
    tell(up(
        PROXY_UNIT,
        "the proxy",
        is_other.then_some(how),
        "reload",
    )?);
    let is_other = changes.program || changes.agent || changes.config;
    tell(up(
        AGENT_UNIT,
        "the agent",
        is_other.then_some(how),
        "restart",
    )?);
    Ok(())
}

/// What was installed before, for when what is installed now does not come up.
#[derive(Debug)]
struct Before {
    /// Whether agent and proxy ran.
    ran: bool,
    /// The binary in force.
    program: Option<PathBuf>,
    /// Files and what was in them.
    files: Vec<(PathBuf, Vec<u8>)>,
}

impl Before {
    fn now() -> Self {
        let units = [AGENT_UNIT, PROXY_UNIT].map(|unit| Path::new(UNITS).join(unit));
        let files = units.into_iter().chain([HOST_CONFIG.into()]);
        let is_up = |unit| is_active(unit).unwrap_or(false);
        Self {
            ran: is_up(AGENT_UNIT) && is_up(PROXY_UNIT),
            program: program::in_force(),
            files: files
                .filter_map(|path| Some((path.clone(), std::fs::read(path).ok()?)))
                .collect(),
        }
    }

    fn restore(&self) -> Result<(), InstallError> {
        for (path, content) in &self.files {
            write_if_other(path, content, 0o644)?;
        }
        match &self.program {
            Some(program) => program::put_in_force(program),
            None => Ok(()),
        }
    }
}

fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

fn users(request: &InstallRequest, tell: &mut dyn FnMut(Part)) -> Result<(), InstallError> {
    let group = !is_known("group", GROUP)?;
    if group {
        run("groupadd", &["--system", GROUP])?;
    }
    tell(Part {
        what: format!("group {GROUP}: who is in it may deploy"),
        is_new: group,
    });
    let user = !is_known("passwd", PROXY_USER)?;
    if user {
        let home = [
            "--system",
            "--user-group",
            "--no-create-home",
            "--home-dir",
            "/nonexistent",
        ];
        let rest = [
            "--shell",
            "/usr/sbin/nologin",
            "--comment",
            "Landfall proxy",
            PROXY_USER,
        ];
        run("useradd", &[&home[..], &rest[..]].concat())?;
    }
    tell(Part {
        what: format!("user {PROXY_USER}"),
        is_new: user,
    });
    let Some(member) = request.member.as_deref().filter(|&name| name != "root") else {
        return Ok(());
    };
    let groups = output("id", &["-nG", "--", member])?;
    let is_new = !groups.split_whitespace().any(|name| name == GROUP);
    if is_new {
        run("usermod", &["-aG", GROUP, "--", member])?;
    }
    tell(Part {
        what: format!("{member} is in the group {GROUP}"),
        is_new,
    });
    Ok(())
}

fn config(request: &InstallRequest, tell: &mut dyn FnMut(Part)) -> Result<bool, InstallError> {
    let path = Path::new(HOST_CONFIG);
    let before = match path.exists() {
        true => Some(HostConfig::read(path)?),
        false => None,
    };
    let kept = before.as_ref().map(|config| config.http);
    let behind = (!request.behind.is_empty()).then(|| request.behind.clone());
    let kept_behind = before.as_ref().and_then(|config| config.behind.clone());
    let config = HostConfig {
        http: request.http.or(kept).unwrap_or_else(everywhere),
        behind: behind.or(kept_behind),
    };
    let is_new = before.as_ref() != Some(&config);
    if is_new {
        write_if_other(path, config.text().as_bytes(), 0o644)?;
    }
    tell(Part {
        what: format!("{HOST_CONFIG}: HTTP at {}", config.http),
        is_new,
    });
    Ok(is_new)
}

/// Port 80 of all addresses, of IPv6 as well where this host has it.
fn everywhere() -> SocketAddr {
    let port = 80;
    // A host can have sockets of IPv6 and no address of it.
    match TcpListener::bind((Ipv6Addr::LOCALHOST, 0)) {
        Ok(_) => (Ipv6Addr::UNSPECIFIED, port).into(),
        Err(_) => (Ipv4Addr::UNSPECIFIED, port).into(),
    }
}

fn unit(name: &str, text: &str, tell: &mut dyn FnMut(Part)) -> Result<bool, InstallError> {
    let path = Path::new(UNITS).join(name);
    let is_new = write_if_other(&path, text.as_bytes(), 0o644)?;
    tell(Part {
        what: path.display().to_string(),
        is_new,
    });
    Ok(is_new)
}

/// Makes a unit run what is installed, and waits until it says that it is ready. `other` is how
/// it runs when it has to be renewed for what was installed.
fn up(
    unit: &'static str,
    name: &str,
    other: Option<&str>,
    renew: &str,
) -> Result<Part, InstallError> {
    let ran = is_active(unit)?;
    let asked = match (ran, other) {
        (true, None) => Ok(()),
        (true, Some(_)) => run("systemctl", &[renew, unit]),
        (false, _) => run("systemctl", &["restart", unit]),
    };
    let deadline = Instant::now() + UP_WITHIN;
    while asked.is_ok() && !is_active(unit)? && Instant::now() < deadline {
        std::thread::park_timeout(LOOK_EVERY);
    }
    if asked.is_err() || !is_active(unit)? {
        let log = output(
            "journalctl",
            &[
                "--unit",
                unit,
                "--lines",
                "20",
                "--no-pager",
                "--output=cat",
            ],
        );
        let log = log.unwrap_or_default();
        return Err(InstallError::NotUp { unit, log });
    }
    let how = other.filter(|_| ran).unwrap_or_default();
    Ok(Part {
        what: format!("{name} runs{how}"),
        is_new: !ran || other.is_some(),
    })
}

fn is_active(unit: &str) -> Result<bool, InstallError> {
    let status = quiet("systemctl", &["is-active", "--quiet", unit]).status();
    status
        .map(|status| status.success())
        .map_err(|error| InstallError::Command {
            command: "systemctl is-active".into(),
            said: error.to_string(),
        })
}

fn is_known(database: &str, name: &str) -> Result<bool, InstallError> {
    let found = quiet("getent", &[database, name]).status();
    found
        .map(|status| status.success())
        .map_err(|error| InstallError::Command {
            command: format!("getent {database} {name}"),
            said: error.to_string(),
        })
}

fn quiet(program: &str, args: &[&str]) -> Command {
    let mut command = Command::new(program);
    command
        .args(args)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    command
}

fn run(program: &str, args: &[&str]) -> Result<(), InstallError> {
    output(program, args).map(drop)
}

fn output(program: &str, args: &[&str]) -> Result<String, InstallError> {
    let failed = |said: String| InstallError::Command {
        command: format!("{program} {}", args.join(" ")),
        said,
    };
    let ran = Command::new(program)
        .args(args)
        .stdin(Stdio::null())
        .output();
    let ran = ran.map_err(|error| failed(error.to_string()))?;
    match ran.status.success() {
        true => Ok(String::from_utf8_lossy(&ran.stdout).into_owned()),
        false => Err(failed(
            String::from_utf8_lossy(&ran.stderr).trim().to_owned(),
        )),
    }
}
