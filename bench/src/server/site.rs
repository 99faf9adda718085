//! The server in a box, the counted way to it, and what is brought to it for the peers.

use std::ffi::OsStr;
use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result, bail};
use landfall_testkit::server::{Kind, ServerBox, ServerEngine, User};

use crate::docker::output;
use crate::wire::{Passed, Wire};

/// Where the peers put their trees: on a disk of the kind that Landfall's state is on.
pub const PEERS: &str = "/var/lib/docker/peers";
/// Where PM2 is on the server.
pub const PM2: &str = "/opt/pm2/node_modules/.bin/pm2";
const SSH_PORT: u16 = 22;

/// A server, and ssh to it on which every byte is counted.
pub struct Site<'e> {
    server: ServerBox<'e>,
    wire: Wire,
    ssh: String,
}

impl<'e> Site<'e> {
    /// Boots it.
    ///
    /// # Errors
    /// When there is no way to it.
    pub fn boot(engine: &'e ServerEngine) -> Result<Self> {
        let server = ServerBox::boot(engine, "bench", Kind::Plain);
        let address = server.address();
        let wire = Wire::to(SocketAddr::new(address, SSH_PORT))?;
        let (settings, port) = (server.ssh_command(), wire.port);
        // Its own host key and user, by a port of this machine.
        let ssh = format!(
            "{settings} -o HostName=127.0.0.1 -o Port={port} -o HostKeyAlias={address} -o BatchMode=yes"
        );
        let site = Self { server, wire, ssh };
        site.as_root(&format!(
            "mkdir -p {PEERS} && chown {user} {PEERS} && chmod 755 /var/lib/docker",
            user = User::Deploy.name()
        ))?;
        Ok(site)
    }

    /// The command that connects to [`Site::host`].
    pub fn ssh_command(&self) -> &str {
        &self.ssh
    }

    /// The user and server, as ssh knows them.
    pub fn host(&self) -> String {
        self.server.host(User::Deploy)
    }

    /// An address of the server.
    pub fn at(&self, port: u16) -> SocketAddr {
        SocketAddr::new(self.server.address(), port)
    }

    /// A script on the server, by ssh on the counted way.
    pub fn ssh(&self, script: &str) -> Command {
        let mut words = self.ssh.split(' ');
        let mut ssh = Command::new(words.next().unwrap_or("ssh"));
        ssh.args(words).arg(self.host()).arg(script);
        ssh
    }

    /// Begins a measurement: what others left for the disk to write is written, and nothing has
    /// passed on the counted way yet.
    pub fn settle(&self) {
        rustix::fs::sync();
        self.wire.passed();
    }

    /// What has passed on the counted way since the last look.
    pub fn passed(&self) -> Passed {
        self.wire.passed()
    }

    /// Runs a script on the server as root, past its network; what it printed.
    ///
    /// # Errors
    /// When it fails, with what it said.
    pub fn as_root(&self, script: &str) -> Result<String> {
        let output = self.server.exec(&["sh", "-c", script]);
        match output.code {
            Some(0) => Ok(output.stdout.trim().to_owned()),
            _ => bail!("{script:?} failed on the server: {}", output.stderr.trim()),
        }
    }

    /// Brings programs of this machine, with the libraries that they load and the server lacks.
    ///
    /// # Errors
    /// When one is missing here, or does not run there.
    pub fn bring_programs(&self, programs: &[&str]) -> Result<()> {
        let mut files = Vec::new();
        for program in programs {
            let path = found(program)?;
            let mut ldd = Command::new("ldd");
            ldd.arg(&path);
            let libraries = output(ldd)?;
            let words = libraries.split_whitespace();
            files.extend(
                words
                    .filter(|word| word.starts_with('/'))
                    .map(str::to_owned),
            );
            files.push(path);
        }
        // What is there is the server's own.
        let files: Vec<&str> = files
            .iter()
            .map(|path| path.trim_start_matches('/'))
            .collect();
        self.bring_files(Path::new("/"), &files, "tar -C / -x --skip-old-files")?;
        for program in programs {
            let runs = self.as_root(&format!("{program} --version"));
            runs.with_context(|| format!("{program} of this machine does not run on the server"))?;
        }
        Ok(())
    }

    /// Brings a directory of an installed PM2, so that it is at [`PM2`].
    ///
    /// # Errors
    /// When it cannot.
    pub fn bring_pm2(&self, program: &Path) -> Result<()> {
        let modules = program.ancestors().nth(2);
        let modules = modules.filter(|dir| dir.file_name() == Some(OsStr::new("node_modules")));
        let dir = modules.and_then(Path::parent);
        let dir = dir.context("--pm2 is not one that npm installed")?;
        let take = "mkdir -p /opt/pm2 && tar -C /opt/pm2 -x";
        let mut pack = Command::new("tar");
        pack.arg("-C").arg(dir).args(["-c", "node_modules"]);
        self.pipe(pack, take)
    }

    fn bring_files(&self, root: &Path, files: &[&str], take: &str) -> Result<()> {
        let mut pack = Command::new("tar");
        pack.arg("-C").arg(root).arg("-ch").args(files);
        self.pipe(pack, take)
    }

    fn pipe(&self, mut pack: Command, take: &str) -> Result<()> {
        let mut packing = pack.stdout(Stdio::piped()).spawn()?;
        let packed = packing.stdout.take().context("no output")?;
        let mut taking = self.ssh(&format!("sudo -n sh -c '{take}'"));
        let taking = taking.stdin(packed).spawn()?;
        ended(packing, "tar")?;
        ended(taking, "ssh")
    }
}

/// Waits for a command's end, which must be a good one.
///
/// # Errors
/// When it is not.
pub fn ended(mut child: Child, name: &str) -> Result<()> {
    let status = child.wait()?;
    match status.success() {
        true => Ok(()),
        false => Err(io::Error::other(format!("{name} failed: {status}")).into()),
    }
}

/// Where a program is on this machine.
fn found(program: &str) -> Result<String> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&path).map(|dir| dir.join(program));
    let found = found.into_iter().find(|path| path.is_file());
    let found = found.with_context(|| {
        format!("{program} is missing on this machine; `cargo xtask bench server` installs it")
    })?;
    Ok(found.to_string_lossy().into_owned())
}
