//! Whether a server can be a server of Landfall's, and what is worth knowing before it is one.

use std::time::Duration;

use serde::Serialize;

use crate::facts::{Facts, Sudo};

/// The oldest systemd that knows what the units ask for (Debian 11, Ubuntu 20.04).
const OLDEST_SYSTEMD: u32 = 245;
/// Less memory than this leaves an app nothing.
const LEAST_MEMORY: u64 = 256 << 20;
/// With less than this, releases that run side by side during a deploy may not fit.
const GOOD_MEMORY: u64 = 900 << 20;
/// A release has to fit beside the one that runs.
const LEAST_DISK: u64 = 1 << 30;
/// Certificates and tokens have times in them.
const CLOCK_OFF: Duration = Duration::from_secs(60);

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// As it should be.
    Good,
    /// Worth knowing.
    Warning,
    /// It cannot be done.
    Refusal,
}

/// What was found in one respect.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// In which.
    pub check: &'static str,
    /// How bad it is.
    pub level: Level,
    /// What was found.
    pub said: String,
    /// What to do about it.
    pub fix: Option<String>,
}

/// What the server is to be.
#[derive(Debug, Clone, Copy)]
pub struct Wanted<'a> {
    /// Architecture of the binary, as the kernel calls it.
    pub machine: &'a str,
    /// Bytes of the binary.
    pub binary: u64,
    /// The port of HTTP.
    pub port: u16,
}

/// Judges a server in every respect.
pub fn judge(facts: &Facts, wanted: Wanted<'_>) -> Vec<Finding> {
    vec![
        system(facts, wanted.machine),
        root(facts),
        systemd(facts),
        memory(facts),
        disk(facts, wanted.binary),
        clock(facts),
        port(facts, wanted.port),
        firewall(facts, wanted.port),
        docker(facts),
    ]
}

fn good(check: &'static str, said: impl Into<String>) -> Finding {
    Finding {
        check,
        level: Level::Good,
        said: said.into(),
        fix: None,
    }
}

fn warning(check: &'static str, said: impl Into<String>, fix: impl Into<String>) -> Finding {
    Finding {
        check,
        level: Level::Warning,
        said: said.into(),
        fix: Some(fix.into()),
    }
}

fn refusal(check: &'static str, said: impl Into<String>, fix: impl Into<String>) -> Finding {
    Finding {
        level: Level::Refusal,
        ..warning(check, said, fix)
    }
}

fn system(facts: &Facts, machine: &str) -> Finding {
    let Facts {
        kernel,
        system,
        machine: theirs,
        ..
    } = facts;
    let said = format!("{system}, {theirs}");
    if kernel != "Linux" {
        return refusal(
            "system",
            format!("{system} is {kernel}"),
            "servers run Linux",
        );
    }
    if theirs != machine {
        let fix =
            format!("this binary is for {machine}; name one for {theirs} with `--binary PATH`");
        return refusal("system", said, fix);
    }
    match facts
        .family
        .iter()
        .any(|name| name == "debian" || name == "ubuntu")
    {
        true => good("system", said),
        false => warning("system", said, "it is tried on Debian and Ubuntu only"),
    }
}

fn root(facts: &Facts) -> Finding {
    let user = &facts.user;
    match facts.sudo {
        Sudo::Root => good("rights", "you are root there"),
        Sudo::Free => good("rights", format!("{user} may use sudo")),
        Sudo::Password => warning(
            "rights",
            format!("sudo asks {user} for a password"),
            "it is asked for when it is needed; LANDFALL_SUDO_PASSWORD gives it where nobody can \
             be asked",
        ),
        Sudo::None => refusal(
            "rights",
            format!("{user} is not root, and there is no sudo"),
            "name a user who is root or may use sudo: `landfall server add root@…`",
        ),
    }
}

fn systemd(facts: &Facts) -> Finding {
    match facts.systemd {
        None => refusal(
            "systemd",
            "systemd does not run there",
            "agent and proxy are kept by systemd; use a server that was booted with it",
        ),
        Some(old) if old < OLDEST_SYSTEMD => refusal(
            "systemd",
            format!("systemd {old} is too old"),
            format!("version {OLDEST_SYSTEMD} or newer is needed: Debian 11, Ubuntu 20.04"),
        ),
        Some(version) => good("systemd", format!("version {version}")),
    }
}

fn memory(facts: &Facts) -> Finding {
    let said = match facts.swap {
        0 => size(facts.memory),
        swap => format!("{}, and {} swap", size(facts.memory), size(swap)),
    };
    match facts.memory + facts.swap {
        all if all < LEAST_MEMORY => refusal(
            "memory",
            said,
            format!("at least {} are needed", size(LEAST_MEMORY)),
        ),
        all if all < GOOD_MEMORY => warning(
            "memory",
            said,
            "two releases run side by side during a deploy: see that they fit, or add swap",
        ),
        _ => good("memory", said),
    }
}

fn disk(facts: &Facts, binary: u64) -> Finding {
    let said = format!("{} free", size(facts.disk));
    if facts.disk < LEAST_DISK + binary {
        let need = size(LEAST_DISK + binary);
        return refusal("disk", said, format!("free at least {need} in /var/lib"));
    }
    if facts.program_disk < 2 * binary {
        let need = size(2 * binary);
        let said = format!("{} free in /usr/local", size(facts.program_disk));
        return refusal("disk", said, format!("free at least {need} there"));
    }
    good("disk", said)
}

fn clock(facts: &Facts) -> Finding {
    match facts.clock_off {
        off if off > CLOCK_OFF => warning(
            "clock",
            format!("it is {} s from this machine's", off.as_secs()),
            "let it be set by time servers: `timedatectl set-ntp true`",
        ),
        _ => good("clock", "it is right"),
    }
}

fn port(facts: &Facts, port: u16) -> Finding {
    if facts.listeners.is_none() {
        let said = format!("whether port {port} is free cannot be told: there is no `ss`");
        return warning("port", said, "install iproute2");
    }
    let Some(holder) = facts.holder(port) else {
        return good("port", format!("{port} is free"));
    };
    let program = holder.program.as_deref();
    if program == Some("landfall") || (program.is_none() && facts.landfall.is_some()) {
        return good("port", format!("{port} is Landfall's"));
    }
    let by = program.unwrap_or("a program that only root can see");
    refusal(
        "port",
        format!("port {port} is held by {by}"),
        "stop it, or let Landfall serve behind it: `--http 127.0.0.1:8080`, and pass requests on \
         from there",
    )
}

fn firewall(facts: &Facts, port: u16) -> Finding {
    match facts.firewalls.as_slice() {
        [] => good("firewall", "none that is known of"),
        [name, ..] if name == "ufw" => warning(
            "firewall",
            "ufw is on",
            format!("see that it lets port {port} through: `ufw allow {port}/tcp`"),
        ),
        [name, ..] => warning(
            "firewall",
            format!("{name} is on"),
            format!("see that it lets port {port} through"),
        ),
    }
}

fn docker(facts: &Facts) -> Finding {
    match facts.docker.as_deref() {
        None => good(
            "docker",
            "not installed; containers need it, and `--docker` installs it",
        ),
        Some("unknown") => good("docker", "installed; its version is for root to see"),
        Some("") => warning(
            "docker",
            "it is installed, and its engine does not answer",
            "containers need it: `systemctl start docker`",
        ),
        Some(version) => good("docker", format!("version {version}")),
    }
}

/// Bytes, for a person.
fn size(bytes: u64) -> String {
    match bytes {
        bytes if bytes >= 10 << 30 => format!("{} GiB", bytes >> 30),
        bytes if bytes >= 1 << 30 => format!("{:.1} GiB", bytes as f64 / f64::from(1 << 30)),
        bytes => format!("{} MiB", bytes >> 20),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::Holder;
    use crate::facts::tests::facts;

    const WANTED: Wanted<'static> = Wanted {
        machine: "x86_64",
        binary: 20 << 20,
        port: 80,
    };

    fn refusals(facts: &Facts) -> Vec<&'static str> {
        let found = judge(facts, WANTED).into_iter();
        let refused = found.filter(|finding| finding.level == Level::Refusal);
        refused.map(|finding| finding.check).collect()
    }

    fn good_server() -> Facts {
        Facts {
            listeners: Some(vec![]),
            ..facts()
        }
    }

    #[test]
    fn g2_a_plain_server_is_good() {
        let worst = judge(&good_server(), WANTED)
            .into_iter()
            .map(|found| found.level)
            .max();
        assert_eq!(worst, Some(Level::Good));
    }

    #[test]
    fn g2_what_cannot_work_is_refused_for_its_own_reason() {
        let good = good_server;
        let with = |change: &dyn Fn(&mut Facts)| {
            let mut facts = good();
            change(&mut facts);
            refusals(&facts)
        };
        assert_eq!(with(&|facts| facts.sudo = Sudo::None), ["rights"]);
        assert_eq!(with(&|facts| facts.systemd = None), ["systemd"]);
        assert_eq!(with(&|facts| facts.systemd = Some(237)), ["systemd"]);
        assert_eq!(with(&|facts| facts.disk = 300 << 20), ["disk"]);
        assert_eq!(with(&|facts| facts.program_disk = 1 << 20), ["disk"]);
        assert_eq!(with(&|facts| facts.machine = "aarch64".into()), ["system"]);
        assert_eq!(with(&|facts| facts.kernel = "FreeBSD".into()), ["system"]);
        assert_eq!(with(&|facts| facts.memory = 100 << 20), ["memory"]);
    }

    #[test]
    fn d7_a_port_that_somebody_holds_is_refused_by_name_and_our_own_is_not() {
        let held = |program: Option<&str>| Facts {
            listeners: Some(vec![Holder {
                port: 80,
                program: program.map(str::to_owned),
            }]),
            ..facts()
        };
        let found = judge(&held(Some("nginx")), WANTED);
        let port = found.iter().find(|found| found.check == "port").unwrap();
        assert_eq!(port.said, "port 80 is held by nginx");
        assert_eq!(refusals(&held(None)), ["port"]);
        assert!(refusals(&held(Some("landfall"))).is_empty());
    }
}
