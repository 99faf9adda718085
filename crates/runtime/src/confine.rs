//! What a child does between fork and exec to become a process of an app's own user: it can gain
//! no privileges, and what it finds at `/tmp` and `/var/tmp` belongs to its instance alone. And how
//! all processes of a user are ended.

use std::ffi::{CStr, CString};
use std::fs::DirBuilder;
use std::io::{self, ErrorKind};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{DirBuilderExt, chown};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::ptr;

use crate::ProcessUser;

/// What is replaced by the instance's own.
const TEMPORARY: [&CStr; 2] = [c"/tmp", c"/var/tmp"];

/// A user, and the directory that its processes have in place of the temporary ones.
#[derive(Debug)]
pub struct Confinement {
    user: ProcessUser,
    temporary: CString,
}

impl Confinement {
    /// Prepares what [`Confinement::enter`] needs, and makes the directory.
    ///
    /// # Errors
    /// When the directory cannot be made or given to the user.
    pub fn prepare(user: ProcessUser, temporary: &Path) -> io::Result<Self> {
        match DirBuilder::new().mode(0o700).create(temporary) {
            Err(error) if error.kind() != ErrorKind::AlreadyExists => return Err(error),
            _ => chown(temporary, Some(user.uid), Some(user.gid))?,
        }
        Ok(Self {
            user,
            temporary: CString::new(temporary.as_os_str().as_bytes())?,
        })
    }

    /// Makes this process one of the user. It must be root, and between fork and exec.
    ///
    /// # Errors
    /// When the kernel refuses any part of it.
    pub fn enter(&self) -> io::Result<()> {
        let ProcessUser { uid, gid } = self.user;
        // SAFETY: plain system calls on live, nul-ended strings; no heap, no lock.
        unsafe {
            checked(libc::unshare(libc::CLONE_NEWNS))?;
            let nothing = ptr::null();
            // What the host mounts later is seen; what is mounted here stays here.
            let kind = libc::MS_REC | libc::MS_SLAVE;
            checked(libc::mount(
                nothing,
                c"/".as_ptr(),
                nothing,
                kind,
                ptr::null(),
            ))?;
            for path in TEMPORARY {
                let from = self.temporary.as_ptr();
                checked(libc::mount(
                    from,
                    path.as_ptr(),
                    nothing,
                    libc::MS_BIND,
                    ptr::null(),
                ))?;
            }
            checked(libc::setgroups(0, ptr::null()))?;
            checked(libc::setresgid(gid, gid, gid))?;
            checked(libc::setresuid(uid, uid, uid))?;
            checked(libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
        }
    }
}

/// Kills every process of a user, those that left their group and session among them. Blocks until
/// the kernel has been told; needs root.
///
/// # Errors
/// When the user is root, whose processes are everything, or nothing can be executed.
pub fn kill_all_of(user: ProcessUser) -> io::Result<()> {
    if user.uid == 0 {
        return Err(io::Error::other(
            "these would be all processes of the system",
        ));
    }
    let mut killer = Command::new("/bin/true");
    killer.uid(user.uid).gid(user.gid).stdin(Stdio::null());
    // SAFETY: one system call between fork and exec, with no memory involved. As that user it
    // reaches that user's processes only, and never itself.
    unsafe {
        killer.pre_exec(|| match checked(libc::kill(-1, libc::SIGKILL)) {
            Err(error) if error.raw_os_error() != Some(libc::ESRCH) => Err(error),
            _ => Ok(()),
        });
    }
    killer.status().map(drop)
}

fn checked(result: libc::c_int) -> io::Result<()> {
    match result {
        -1 => Err(io::Error::last_os_error()),
        _ => Ok(()),
    }
}
