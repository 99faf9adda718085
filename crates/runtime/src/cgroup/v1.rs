//! Groups of version 1: one directory in each controller's hierarchy, below our own.

use std::io;
use std::path::Path;

use landfall_model::spec::Limits;

use super::mounts::Layout;
use super::{CPU_PERIOD, Cgroup, Controller, cpu_quota, make_dir, write_existing};

/// Makes the directories and writes the limits; says which controllers enforce theirs.
///
/// # Errors
/// `NotFound` when no controller is mounted, else why none of their groups could be made.
pub(super) fn make(
    layout: &Layout,
    name: &str,
    limits: &Limits,
) -> io::Result<(Cgroup, Vec<Controller>)> {
    let mut cgroup = Cgroup {
        dirs: Vec::new(),
        oom_file: None,
    };
    let mut enforced = Vec::new();
    let mut failure = io::Error::from(io::ErrorKind::NotFound);
    for controller in Controller::ALL {
        // Memory and pids tell who belongs to the instance and who was killed for memory, so they
        // are wanted without a limit as well.
        if controller == Controller::Cpu && !controller.is_wanted(limits) {
            continue;
        }
        let Some(parent) = layout.v1_dir(controller.name()) else {
            continue;
        };
        let dir = parent.join(name);
        let made = make_dir(&dir).and_then(|()| write_limit(controller, &dir, limits));
        match made {
            Ok(()) => {
                if controller == Controller::Memory {
                    cgroup.oom_file = Some(dir.join("memory.oom_control"));
                }
                cgroup.dirs.push(dir);
                enforced.push(controller);
            }
            Err(error) => {
                let _ = std::fs::remove_dir(&dir);
                failure = error;
            }
        }
    }
    if cgroup.dirs.is_empty() {
        Err(failure)
    } else {
        Ok((cgroup, enforced))
    }
}

/// Writes limits into the groups of a layout.
///
/// # Errors
/// With the first that cannot be written.
pub(super) fn limit(layout: &Layout, limits: &Limits) -> io::Result<()> {
    for controller in Controller::ALL {
        if let Some(dir) = layout.v1_dir(controller.name()) {
            write_limit(controller, dir, limits)?;
        }
    }
    Ok(())
}

fn write_limit(controller: Controller, dir: &Path, limits: &Limits) -> io::Result<()> {
    match controller {
        Controller::Memory => limits.memory.map_or(Ok(()), |bytes| {
            write_existing(&dir.join("memory.limit_in_bytes"), &bytes.to_string())?;
            // Memory and swap together, so that the limit is not evaded by swapping. The file is
            // missing where the kernel does not account for swap.
            let _ = write_existing(&dir.join("memory.memsw.limit_in_bytes"), &bytes.to_string());
            Ok(())
        }),
        Controller::Cpu => limits.cpus.map_or(Ok(()), |cpus| {
            write_existing(&dir.join("cpu.cfs_period_us"), &CPU_PERIOD.to_string())?;
            write_existing(&dir.join("cpu.cfs_quota_us"), &cpu_quota(cpus).to_string())
        }),
        Controller::Pids => limits.pids.map_or(Ok(()), |pids| {
            write_existing(&dir.join("pids.max"), &pids.to_string())
        }),
    }
}
