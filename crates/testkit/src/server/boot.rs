//! Boxes, from being made until they are up, and their end.

use std::io::Write as _;
use std::net::Ipv4Addr;
use std::time::Duration;

use super::disk::SmallDisk;
use super::engine::{NETWORK, ServerEngine};
use super::ssh::User;
use crate::{wait_for, wait_until};

/// How long a box may take to come up on a machine that is busy. It takes a second or two on one
/// that is not.
pub(super) const PATIENCE: Duration = Duration::from_secs(90);

/// What an engine can give to a container, as long as the engine is not the machine's own init:
/// everything but `SYS_RESOURCE` and what concerns the kernel itself.
const CAPABILITIES: &str = "CHOWN DAC_OVERRIDE DAC_READ_SEARCH FOWNER FSETID KILL SETGID SETUID \
    SETPCAP LINUX_IMMUTABLE NET_BIND_SERVICE NET_BROADCAST NET_ADMIN NET_RAW IPC_LOCK IPC_OWNER \
    SYS_CHROOT SYS_PTRACE SYS_ADMIN SYS_BOOT SYS_NICE SYS_TTY_CONFIG MKNOD LEASE AUDIT_WRITE \
    AUDIT_CONTROL SETFCAP";

/// What stands on a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Debian with systemd and sshd.
    Plain,
    /// The same with Docker, which starts at boot.
    Docker,
    /// The same with nginx in place of Docker, which serves a page of its own at port 80.
    Nginx,
    /// Debian with sshd as its first process.
    NoSystemd,
}

/// The disk below `/var/lib/landfall`. Like the one below `/var/lib/docker` it keeps what it holds
/// for as long as the box is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Disk {
    /// As large as the machine's.
    Ample,
    /// Of this many bytes, file system included: at least 1 MiB.
    Small(u64),
}

/// What a box is to be.
#[derive(Debug, Clone, Copy)]
pub struct ServerSpec {
    /// What stands on it.
    pub kind: Kind,
    /// Its disk.
    pub disk: Disk,
}

/// A server in a box. When it is dropped, it is gone with its disks.
#[derive(Debug)]
pub struct ServerBox<'e> {
    pub(super) engine: &'e ServerEngine,
    pub(super) name: String,
    pub(super) kind: Kind,
    pub(super) address: Ipv4Addr,
    pub(super) disk: Option<SmallDisk>,
}

impl Kind {
    const fn image(self) -> &'static str {
        match self {
            Self::Plain | Self::NoSystemd => "landfall-test/server:bookworm",
            Self::Docker => "landfall-test/server-docker:bookworm",
            Self::Nginx => "landfall-test/server-nginx:bookworm",
        }
    }

    /// What ends its first process in order.
    const fn stop_signal(self) -> &'static str {
        match self {
            Self::Plain | Self::Docker | Self::Nginx => "SIGRTMIN+3",
            Self::NoSystemd => "SIGTERM",
        }
    }

    /// The first process.
    const fn command(self) -> &'static str {
        match self {
            Self::Plain | Self::Docker | Self::Nginx => "box-init",
            Self::NoSystemd => "box-no-systemd",
        }
    }
}

impl<'e> ServerBox<'e> {
    /// A box of this kind with an ample disk, up and reached by ssh. Its name has two letters or
    /// more, and is its host name.
    ///
    /// # Panics
    /// When it does not come up, or a unit of systemd fails in it.
    pub fn boot(engine: &'e ServerEngine, name: &str, kind: Kind) -> Self {
        let disk = Disk::Ample;
        Self::boot_with(engine, name, ServerSpec { kind, disk })
    }

    /// A box that is up and reached by ssh.
    ///
    /// # Panics
    /// When it does not come up, or a unit of systemd fails in it.
    pub fn boot_with(engine: &'e ServerEngine, name: &str, spec: ServerSpec) -> Self {
        engine.docker.make_images(&[spec.kind.image()]);
        let disk = match spec.disk {
            Disk::Ample => None,
            Disk::Small(bytes) => Some(SmallDisk::create(&engine.dir(), name, bytes)),
        };
        let server = Self {
            engine,
            name: name.to_owned(),
            kind: spec.kind,
            address: engine.next_address(),
            disk,
        };
        server.run();
        server.await_boot();
        server
    }

    fn run(&self) {
        let address = self.address.to_string();
        let key = self.engine.ssh.public_key();
        let capabilities = CAPABILITIES
            .split_whitespace()
            .map(|each| format!("--cap-add={each}"));
        let mut args: Vec<String> = ["run", "--detach", "--cap-drop=ALL"]
            .map(str::to_owned)
            .into();
        args.extend(capabilities);
        args.extend([
            format!("--name={}", self.name),
            format!("--hostname={}", self.name),
            format!("--network={NETWORK}"),
            format!("--ip={address}"),
            "--security-opt=seccomp=unconfined".to_owned(),
            "--security-opt=apparmor=unconfined".to_owned(),
            "--device-cgroup-rule=a *:* rwm".to_owned(),
            // Filled by the image's first process: what the box makes there ends with it.
            "--cgroupns=private".to_owned(),
            "--tmpfs=/sys/fs/cgroup".to_owned(),
            "--tmpfs=/run:exec".to_owned(),
            "--tmpfs=/tmp:exec".to_owned(),
            // A machine that reboots comes back. One that was cut off stays off.
            "--restart=on-failure".to_owned(),
            format!("--volume={}:/etc/ssh/authorized_keys:ro", key.display()),
            // Docker's storage cannot lie on a container's.
            format!("--volume={}-docker:/var/lib/docker", self.name),
            format!("--volume={}:/var/lib/landfall", self.landfall_disk()),
            format!("--stop-signal={}", self.kind.stop_signal()),
            self.kind.image().to_owned(),
            self.kind.command().to_owned(),
        ]);
        let args: Vec<&str> = args.iter().map(String::as_str).collect();
        self.engine.docker.docker(&args);
    }

    /// The directory or volume that is mounted at `/var/lib/landfall`.
    fn landfall_disk(&self) -> String {
        match &self.disk {
            Some(disk) => disk.data().to_string_lossy().into_owned(),
            None => format!("{}-landfall", self.name),
        }
    }

    /// Waits until the box is up, and makes it known to ssh.
    ///
    /// # Panics
    /// When it does not come up, or a unit of systemd fails in it.
    pub fn await_boot(&self) {
        if self.kind != Kind::NoSystemd {
            self.await_systemd();
        }
        let read_key = ["cat", "/etc/ssh/ssh_host_ed25519_key.pub"];
        let key = wait_for(PATIENCE, "the box's host key", || {
            let key = self.exec(&read_key).stdout;
            key.ends_with('\n').then_some(key)
        });
        self.engine
            .ssh
            .introduce(&self.name, self.address, key.trim());
        wait_until(PATIENCE, "sshd in the box", || {
            self.ssh(User::Root, "true").code == Some(0)
        });
    }

    fn await_systemd(&self) {
        let state = wait_for(PATIENCE, "the box to boot", || {
            let state = self.exec(&["systemctl", "is-system-running"]).stdout;
            ["running", "degraded"]
                .contains(&state.trim())
                .then_some(state)
        });
        // What failed is told when the box is dropped.
        assert_eq!(state.trim(), "running", "systemd in box {}", self.name);
    }

    /// What its first process printed, and what systemd says of units and logged.
    fn what_failed(&self) -> String {
        let (exec, name) = ("exec", self.name.as_str());
        let asked: [&[&str]; 3] = [
            &["logs", "--tail=40", name],
            &[
                exec,
                name,
                "systemctl",
                "status",
                "--state=failed",
                "--no-pager",
            ],
            &[
                exec,
                name,
                "journalctl",
                "--boot",
                "--no-pager",
                "--lines=60",
            ],
        ];
        let mut told = String::new();
        for command in asked {
            let output = self.client(command);
            told += &format!("--- {}\n", command.join(" "));
            told += &output.stdout;
            told += &output.stderr;
        }
        told
    }
}

impl Drop for ServerBox<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let told = self.what_failed();
            let _ = writeln!(std::io::stderr(), "--- in box {}\n{told}", self.name);
        }
        let (name, docker) = (&self.name, format!("{}-docker", self.name));
        // What was never made, or is not frozen, is refused, and nothing depends on it.
        self.client(&["unpause", name]);
        self.client(&["rm", "--force", "--volumes", name]);
        self.client(&["volume", "rm", &docker, &format!("{name}-landfall")]);
        self.engine.ssh.forget(name);
    }
}
