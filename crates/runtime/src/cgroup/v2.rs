//! Groups of version 2: one directory, made in the nearest group above our own where the
//! controllers can be had and a process can be put.

use std::io;
use std::path::Path;

use landfall_model::spec::Limits;

use super::mounts::Layout;
use super::{CPU_PERIOD, Cgroup, Controller, cpu_quota, make_dir, write_existing};

/// Makes the directory and writes the limits; says which controllers enforce theirs.
///
/// # Errors
/// `NotFound` when the hierarchy is not mounted or has no controllers, else why no group could
/// be made.
pub(super) fn make(
    layout: &Layout,
    name: &str,
    limits: &Limits,
) -> io::Result<(Cgroup, Vec<Controller>)> {
    let not_found = || io::Error::from(io::ErrorKind::NotFound);
    let (mount, own) = layout.v2.as_ref().ok_or_else(not_found)?;
    if !has_controllers(mount) {
        // A host that keeps the controllers in version 1 mounts this one for names only.
        return Err(not_found());
    }
    let mut failure = not_found();
    // First where memory is counted, so that a kill for memory is told apart even without a limit.
    for counts_memory in [true, false] {
        for parent in own.ancestors().take_while(|dir| dir.starts_with(mount)) {
            match make_below(parent, name, limits, counts_memory) {
                Ok(made) => return Ok(made),
                Err(error) => failure = error,
            }
        }
    }
    Err(failure)
}

fn has_controllers(dir: &Path) -> bool {
    std::fs::read_to_string(dir.join("cgroup.controllers"))
        .is_ok_and(|text| text.contains(Controller::Memory.name()))
}

fn make_below(
    parent: &Path,
    name: &str,
    limits: &Limits,
    counts_memory: bool,
) -> io::Result<(Cgroup, Vec<Controller>)> {
    for controller in Controller::ALL {
        let is_needed =
            controller.is_wanted(limits) || counts_memory && controller == Controller::Memory;
        match enable(parent, controller) {
            Err(error) if is_needed => return Err(error),
            _ => {}
        }
    }
    let dir = parent.join(name);
    make_dir(&dir)?;
    let written = write_limits(&dir, limits);
    if let Err(error) = written {
        let _ = std::fs::remove_dir(&dir);
        return Err(error);
    }
    let oom_file = Some(dir.join("memory.events"));
    Ok((
        Cgroup {
            dirs: vec![dir],
            oom_file,
        },
        Controller::ALL.to_vec(),
    ))
}

/// Sees to it that groups below `parent` have a controller. Refused by the kernel where processes
/// live in `parent` itself; then a group further up may do.
fn enable(parent: &Path, controller: Controller) -> io::Result<()> {
    let file = parent.join("cgroup.subtree_control");
    let enabled = std::fs::read_to_string(&file)?;
    if enabled
        .split_ascii_whitespace()
        .any(|name| name == controller.name())
    {
        return Ok(());
    }
    write_existing(&file, &format!("+{}", controller.name()))
}

pub(super) fn write_limits(dir: &Path, limits: &Limits) -> io::Result<()> {
    if let Some(bytes) = limits.memory {
        write_existing(&dir.join("memory.max"), &bytes.to_string())?;
        // So that the limit is not evaded by swapping; missing without swap accounting.
        let _ = write_existing(&dir.join("memory.swap.max"), "0");
    }
    if let Some(cpus) = limits.cpus {
        let value = format!("{} {CPU_PERIOD}", cpu_quota(cpus));
        write_existing(&dir.join("cpu.max"), &value)?;
    }
    if let Some(pids) = limits.pids {
        write_existing(&dir.join("pids.max"), &pids.to_string())?;
    }
    Ok(())
}
