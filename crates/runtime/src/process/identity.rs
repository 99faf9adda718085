//! Who a process is: boot id, pid and start time. A pid alone may be a stranger by now.

use std::io;

use rustix::io::Errno;
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};
use serde::{Deserialize, Serialize};

use crate::proc;

/// A process, told apart from every other that this host ever runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    /// The boot it runs in.
    pub boot_id: String,
    /// Its process id.
    pub pid: u32,
    /// Clock ticks from that boot to its start.
    pub start: u64,
}

impl Identity {
    /// The identity of a running process; `None` when there is none with this id.
    pub fn of(pid: u32) -> Option<Self> {
        Some(Self {
            boot_id: boot_id().ok()?,
            pid,
            start: start_time(pid)?,
        })
    }

    /// Sends a signal, to this process or to none. False when it is gone.
    ///
    /// # Errors
    /// When the process is there and may not be signalled.
    pub fn send(&self, signal: i32) -> io::Result<bool> {
        let Some(pid) = i32::try_from(self.pid).ok().and_then(Pid::from_raw) else {
            return Ok(false);
        };
        let pidfd = match pidfd_open(pid, PidfdFlags::empty()) {
            Ok(pidfd) => pidfd,
            Err(Errno::SRCH | Errno::INVAL) => return Ok(false),
            Err(error) => return Err(error.into()),
        };
        // Looked at only now: from here on the descriptor cannot come to mean another process.
        if !is_same_process(self) {
            return Ok(false);
        }
        let signal = Signal::from_named_raw(signal)
            .ok_or_else(|| io::Error::from(io::ErrorKind::InvalidInput))?;
        match pidfd_send_signal(pidfd, signal) {
            Ok(()) => Ok(true),
            Err(Errno::SRCH) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }
}

/// The id of this boot.
///
/// # Errors
/// When `/proc` cannot be read.
pub fn boot_id() -> io::Result<String> {
    let id = std::fs::read_to_string("/proc/sys/kernel/random/boot_id")?;
    Ok(id.trim().to_owned())
}

/// Clock ticks from boot to the start of a process; `None` when it is not running.
pub fn start_time(pid: u32) -> Option<u64> {
    proc::stat(pid)
        .filter(|process| !process.is_dead())
        .map(|process| process.start)
}

/// Whether the process with this identity still runs.
pub fn is_same_process(identity: &Identity) -> bool {
    boot_id().is_ok_and(|boot| boot == identity.boot_id)
        && start_time(identity.pid) == Some(identity.start)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stale_identity_is_nobody_and_cannot_be_signalled() {
        let own = Identity::of(std::process::id()).expect("own identity");
        assert!(is_same_process(&own));

        let recycled = Identity {
            start: own.start + 1,
            ..own.clone()
        };
        let rebooted = Identity {
            boot_id: "another".into(),
            ..own.clone()
        };
        for stale in [recycled, rebooted] {
            assert!(!is_same_process(&stale));
            // Were it delivered, this test would be gone.
            assert!(!stale.send(libc::SIGKILL).expect("no error"));
        }
    }
}
