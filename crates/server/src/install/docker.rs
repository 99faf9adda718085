//! Docker as the distribution has it, for who asks for it.

use std::path::Path;

use super::{InstallError, Part, run};

/// Where the engine answers.
const SOCKET: &str = "/run/docker.sock";
/// What is installed: the engine, and what it keeps networks of containers apart with.
const PACKAGES: [&str; 2] = ["docker.io", "iptables"];

/// Installs the engine and has it start at boot, unless one answers.
///
/// # Errors
/// When the distribution's package manager is none that is known, or fails.
pub(super) fn docker(tell: &mut dyn FnMut(Part)) -> Result<(), InstallError> {
    let is_new = !answers();
    if is_new {
        let apt = ["-y", "-q", "-o", "DPkg::Lock::Timeout=120"];
        let update = ["env", "DEBIAN_FRONTEND=noninteractive", "apt-get"];
        let install = ["install", "--no-install-recommends"];
        run(update[0], &[&update[1..], &apt[..], &["update"]].concat())?;
        run(
            update[0],
            &[&update[1..], &apt[..], &install[..], &PACKAGES[..]].concat(),
        )?;
        run("systemctl", &["enable", "--quiet", "--now", "docker"])?;
        run("docker", &["version", "--format", "{{.Server.Version}}"])?;
    }
    tell(Part {
        what: "Docker answers".to_owned(),
        is_new,
    });
    Ok(())
}

fn answers() -> bool {
    Path::new(SOCKET).exists()
        && run("docker", &["version", "--format", "{{.Server.Version}}"]).is_ok()
}
