//! What a server is, asked with one script that changes nothing.

use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use serde::Serialize;

use crate::ssh::{Ssh, SshError};

/// Asks; plain POSIX shell, because nothing of ours is there yet.
const PROBE: &str = include_str!("probe.sh");

/// How commands run there as root.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Sudo {
    /// The user is root.
    Root,
    /// With sudo, which asks nothing.
    Free,
    /// With sudo, which asks for a password, or lets the user do nothing: it does not tell which.
    Password,
    /// Not at all.
    None,
}

/// Someone who listens on a port.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Holder {
    /// The port.
    pub port: u16,
    /// The program, where it is known.
    pub program: Option<String>,
}

/// What a server is.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Facts {
    /// Kernel: `Linux`.
    pub kernel: String,
    /// Architecture, as the kernel calls it: `x86_64`.
    pub machine: String,
    /// The distribution, for a person.
    pub system: String,
    /// The distribution and those that it is made from.
    pub family: Vec<String>,
    /// The user that ssh logs in as.
    pub user: String,
    /// What that user may do.
    pub sudo: Sudo,
    /// Version of systemd, where it runs.
    pub systemd: Option<u32>,
    /// Memory, in bytes.
    pub memory: u64,
    /// Swap, in bytes.
    pub swap: u64,
    /// Free for state, in bytes.
    pub disk: u64,
    /// Free for the program, in bytes.
    pub program_disk: u64,
    /// How far its clock is from ours, in either direction.
    pub clock_off: Duration,
    /// Who listens on which port; `None` where that cannot be found out.
    pub listeners: Option<Vec<Holder>>,
    /// Version of the Docker engine; empty where one is installed and does not answer.
    pub docker: Option<String>,
    /// Firewalls that are on.
    pub firewalls: Vec<String>,
    /// Version of Landfall that is installed.
    pub landfall: Option<String>,
    /// The binary that is in force.
    pub installed: Option<PathBuf>,
    /// What systemd says of the agent and the proxy.
    pub units: Vec<(String, String)>,
}

/// Asks a server what it is.
///
/// # Errors
/// When it cannot be reached, or has no shell that understands the question.
pub async fn inspect(ssh: &Ssh) -> Result<Facts, SshError> {
    let said = ssh.succeed(&["sh", "-s"], PROBE.as_bytes()).await?;
    let now = SystemTime::now();
    parse(&said, now).ok_or_else(|| SshError::Failed {
        address: ssh.address().clone(),
        code: 0,
        said: format!("it did not say what it is, but:\n{said}"),
    })
}

fn parse(said: &str, now: SystemTime) -> Option<Facts> {
    let lines: Vec<Vec<&str>> = said
        .lines()
        .map(|line| line.split('\t').collect())
        .collect();
    let all = |name: &str| {
        let name = name.to_owned();
        lines
            .iter()
            .filter(move |line| line[0] == name)
            .map(|line| &line[1..])
    };
    let one = |name: &str| all(name).next().and_then(|values| values.first().copied());
    let kib = |name: &str| Some(one(name)?.parse::<u64>().ok()? << 10);
    one("end")?;
    let is_known = !all("unknown").any(|values| values == ["listeners"]);
    let unit = |name: &str| Some((name.to_owned(), one(name)?.to_owned()));
    Some(Facts {
        kernel: one("kernel")?.to_owned(),
        machine: one("machine")?.to_owned(),
        system: one("system").unwrap_or("an unknown system").to_owned(),
        family: one("family")
            .unwrap_or_default()
            .split_whitespace()
            .map(str::to_owned)
            .collect(),
        user: one("user")?.to_owned(),
        sudo: match one("sudo")? {
            "root" => Sudo::Root,
            "free" => Sudo::Free,
            "password" => Sudo::Password,
            _ => Sudo::None,
        },
        systemd: one("systemd").map(|version| version.parse().unwrap_or(0)),
        memory: kib("memory_kib")?,
        swap: kib("swap_kib").unwrap_or(0),
        disk: kib("disk_kib")?,
        program_disk: kib("program_disk_kib")?,
        clock_off: difference(one("clock")?.parse().ok()?, now),
        listeners: is_known.then(|| listeners(all("listener"))),
        docker: one("docker").map(str::to_owned),
        firewalls: all("firewall")
            .filter_map(|v| v.first())
            .map(|&name| name.to_owned())
            .collect(),
        landfall: one("landfall").map(str::to_owned),
        installed: one("installed").map(PathBuf::from),
        units: ["agent", "proxy"]
            .iter()
            .filter_map(|name| unit(name))
            .collect(),
    })
}

fn difference(seconds: u64, now: SystemTime) -> Duration {
    let there = SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
    let ahead = there.duration_since(now);
    ahead.unwrap_or_else(|error| error.duration())
}

/// `0.0.0.0:80` and `users:(("nginx",pid=7,fd=6))`, as `ss` prints them.
fn listeners<'a>(lines: impl Iterator<Item = &'a [&'a str]>) -> Vec<Holder> {
    let holder = |line: &[&str]| {
        let (_, port) = line.first()?.rsplit_once(':')?;
        let program = line.get(1).and_then(|users| users.split('"').nth(1));
        Some(Holder {
            port: port.parse().ok()?,
            program: program.map(str::to_owned),
        })
    };
    lines.filter_map(holder).collect()
}

impl Facts {
    /// Who listens on a port.
    pub fn holder(&self, port: u16) -> Option<&Holder> {
        self.listeners
            .iter()
            .flatten()
            .find(|holder| holder.port == port)
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) const SAID: &str = "kernel\tLinux\nmachine\tx86_64\nclock\t1700000000\n\
        system\tDebian GNU/Linux 12 (bookworm)\nfamily\tdebian \nuser\tdeploy\nsudo\tfree\n\
        systemd\t252\nmemory_kib\t2097152\nswap_kib\t0\ndisk_kib\t10485760\n\
        program_disk_kib\t10485760\nlistener\t0.0.0.0:22\tusers:((\"sshd\",pid=1,fd=3))\n\
        listener\t[::]:80\tusers:((\"nginx\",pid=7,fd=6))\nlistener\t*:443\t\nend\t.\n";

    pub(crate) fn facts() -> Facts {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_004);
        parse(SAID, now).expect("whole")
    }

    #[test]
    fn a_server_says_what_it_is() {
        let facts = facts();
        assert_eq!((facts.memory, facts.systemd), (2 << 30, Some(252)));
        assert_eq!(facts.sudo, Sudo::Free);
        assert_eq!(facts.clock_off, Duration::from_secs(4));
        let nginx = facts
            .holder(80)
            .and_then(|holder| holder.program.as_deref());
        assert_eq!(nginx, Some("nginx"));
        assert_eq!(facts.holder(443).map(|holder| &holder.program), Some(&None));
        assert_eq!(facts.holder(8080), None);
        assert_eq!((facts.docker, facts.landfall), (None, None));
    }

    #[test]
    fn what_breaks_off_is_not_believed() {
        let now = SystemTime::UNIX_EPOCH;
        for (end, _) in SAID.match_indices('\n') {
            let cut = &SAID[..end];
            assert!(cut.contains("end\t") || parse(cut, now).is_none(), "{cut}");
        }
        assert!(parse("This account is currently not available.\n", now).is_none());
    }
}
