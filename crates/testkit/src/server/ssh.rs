//! How ssh finds boxes: the key, and a file of settings that knows each box and its users.

use std::fs;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::Output;

/// The password of [`User::Ops`], as the image's recipe sets it.
pub const OPS_PASSWORD: &str = "of-the-tests";

/// A user of every box. All of them let the same key in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum User {
    /// The administrator.
    Root,
    /// May use sudo without a password.
    Deploy,
    /// May use sudo with [`OPS_PASSWORD`].
    Ops,
    /// May not use sudo.
    Plain,
}

/// A directory of keys and settings.
#[derive(Debug)]
pub(super) struct Ssh {
    dir: PathBuf,
}

impl User {
    const ALL: [Self; 4] = [Self::Root, Self::Deploy, Self::Ops, Self::Plain];

    /// The name of the user.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Root => "root",
            Self::Deploy => "deploy",
            Self::Ops => "ops",
            Self::Plain => "plain",
        }
    }

    /// What ssh calls a box when it is to come as this user.
    pub(super) fn host(self, name: &str) -> String {
        match self {
            Self::Root => name.to_owned(),
            other => format!("{name}-{}", other.name()),
        }
    }
}

impl Ssh {
    /// Makes the key and settings that know no box yet.
    pub(super) fn create(dir: &Path) -> Self {
        let path = dir.to_string_lossy();
        assert!(!path.contains(char::is_whitespace), "a blank in {path}");
        fs::create_dir(dir).expect("a directory of keys");
        let mut keygen = Command::new("ssh-keygen");
        keygen.args(["-q", "-t", "ed25519", "-N", "", "-C", "tests", "-f"]);
        Output::of(keygen.arg(dir.join("key"))).ok();
        let include = format!("Include {path}/*.box\n");
        fs::write(dir.join("config"), include).expect("settings of ssh");
        Self {
            dir: dir.to_owned(),
        }
    }

    /// The command, to which options, a host and a script are added.
    pub(super) fn command(&self) -> String {
        format!("ssh -F {}", self.dir.join("config").display())
    }

    /// The public half of the key.
    pub(super) fn public_key(&self) -> PathBuf {
        self.dir.join("key.pub")
    }

    /// Makes a box known by its name, its users' and its address; and its key as the only right one.
    pub(super) fn introduce(&self, name: &str, address: Ipv4Addr, host_key: &str) {
        let known = self.known_hosts(name);
        fs::write(&known, format!("{address} {host_key}\n")).expect("known hosts");
        let known = known.display();
        let mut settings = String::new();
        for user in User::ALL {
            let host = user.host(name);
            let also = match user {
                User::Root => format!(" {address}"),
                _ => String::new(),
            };
            let key = self.dir.join("key");
            let (user, key) = (user.name(), key.display());
            settings += &format!(
                "Host {host}{also}\n  HostName {address}\n  User {user}\n  IdentityFile {key}\n  \
                 IdentitiesOnly yes\n  IdentityAgent none\n  UserKnownHostsFile {known}\n  \
                 GlobalKnownHostsFile /dev/null\n  StrictHostKeyChecking yes\n"
            );
        }
        fs::write(self.settings(name), settings).expect("settings of ssh");
    }

    /// The opposite of [`Ssh::introduce`].
    pub(super) fn forget(&self, name: &str) {
        // A box that never came up is not there.
        let _ = fs::remove_file(self.settings(name));
        let _ = fs::remove_file(self.known_hosts(name));
    }

    fn settings(&self, name: &str) -> PathBuf {
        self.dir.join(format!("{name}.box"))
    }

    fn known_hosts(&self, name: &str) -> PathBuf {
        self.dir.join(format!("{name}.known"))
    }
}
