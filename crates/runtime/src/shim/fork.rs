//! The few calls that only C's interface has: fork, signalfd, and what a child does between fork
//! and exec. Everything here assumes a process with one thread, which a shim is.

use std::io;
use std::os::fd::{FromRawFd, OwnedFd, RawFd};

/// Which side of a fork this is.
pub(crate) enum Fork {
    Parent(libc::pid_t),
    Child,
}

/// Forks.
///
/// # Errors
/// When the kernel has no room for another process.
pub(crate) fn fork() -> io::Result<Fork> {
    // SAFETY: the shim has a single thread, so no lock can be left held in the child.
    match unsafe { libc::fork() } {
        -1 => Err(io::Error::last_os_error()),
        0 => Ok(Fork::Child),
        pid => Ok(Fork::Parent(pid)),
    }
}

/// Ends this process at once, without running what the parent's copy will run itself.
pub(crate) fn exit_now(code: i32) -> ! {
    // SAFETY: ends the process; nothing is touched.
    unsafe { libc::_exit(code) }
}

/// Runs `action` in a child and gives its outcome; for effects that this process must not have.
pub(crate) fn try_in_child(action: impl FnOnce() -> io::Result<()>) -> io::Result<()> {
    let pid = match fork()? {
        Fork::Child => exit_now(match action() {
            Ok(()) => 0,
            Err(error) => error.raw_os_error().unwrap_or(libc::EIO),
        }),
        Fork::Parent(pid) => pid,
    };
    match wait_for(pid)? {
        status if libc::WIFEXITED(status) && libc::WEXITSTATUS(status) == 0 => Ok(()),
        status if libc::WIFEXITED(status) => {
            Err(io::Error::from_raw_os_error(libc::WEXITSTATUS(status)))
        }
        _ => Err(io::Error::other("the trial process was killed")),
    }
}

/// Waits for one child.
pub(crate) fn wait_for(pid: libc::pid_t) -> io::Result<i32> {
    loop {
        let mut status = 0;
        // SAFETY: `status` is a valid place for the call to write to.
        if unsafe { libc::waitpid(pid, &raw mut status, 0) } == pid {
            return Ok(status);
        }
        let error = io::Error::last_os_error();
        if error.kind() != io::ErrorKind::Interrupted {
            return Err(error);
        }
    }
}

/// Takes one child that has ended; `None` when there is none at the moment.
pub(crate) fn reap() -> Option<(u32, i32)> {
    let mut status = 0;
    // SAFETY: `status` is a valid place for the call to write to.
    let pid = unsafe { libc::waitpid(-1, &raw mut status, libc::WNOHANG) };
    u32::try_from(pid)
        .ok()
        .filter(|&pid| pid > 0)
        .map(|pid| (pid, status))
}

/// Writes without touching the heap, as a child after fork has to.
pub(crate) fn write_raw(fd: RawFd, bytes: &[u8]) -> io::Result<()> {
    // SAFETY: the pointer and length are those of a live slice.
    let written = unsafe { libc::write(fd, bytes.as_ptr().cast(), bytes.len()) };
    if written == -1 {
        Err(io::Error::last_os_error())
    } else {
        Ok(())
    }
}

/// Blocks all signals and gives the descriptor on which those that matter arrive instead.
pub(crate) fn signals_as_descriptor() -> io::Result<OwnedFd> {
    // SAFETY: the sets are initialised by `sigfillset` and `sigemptyset` before use, and the
    // descriptor is new and owned by nobody else.
    unsafe {
        let mut all: libc::sigset_t = std::mem::zeroed();
        libc::sigfillset(&raw mut all);
        libc::sigprocmask(libc::SIG_SETMASK, &raw const all, std::ptr::null_mut());
        let mut wanted: libc::sigset_t = std::mem::zeroed();
        libc::sigemptyset(&raw mut wanted);
        libc::sigaddset(&raw mut wanted, libc::SIGCHLD);
        libc::sigaddset(&raw mut wanted, libc::SIGTERM);
        let fd = libc::signalfd(
            -1,
            &raw const wanted,
            libc::SFD_CLOEXEC | libc::SFD_NONBLOCK,
        );
        if fd == -1 {
            return Err(io::Error::last_os_error());
        }
        Ok(OwnedFd::from_raw_fd(fd))
    }
}

/// The signal that arrived on the descriptor; `None` when none is left.
pub(crate) fn next_signal(fd: &OwnedFd) -> Option<i32> {
    let mut info = [0_u8; size_of::<libc::signalfd_siginfo>()];
    let read = rustix::io::read(fd, &mut info).ok()?;
    // `ssi_signo` is the first field.
    (read == info.len()).then(|| i32::from_ne_bytes([info[0], info[1], info[2], info[3]]))
}

/// Undoes, in a child about to become the app, what the shim or the agent did to signals.
pub(crate) fn reset_signals() {
    // SAFETY: `signal` and `sigprocmask` may be called between fork and exec; the set is
    // initialised by `sigemptyset`.
    unsafe {
        for signal in 1..=64 {
            libc::signal(signal, libc::SIG_DFL);
        }
        let mut none: libc::sigset_t = std::mem::zeroed();
        libc::sigemptyset(&raw mut none);
        libc::sigprocmask(libc::SIG_SETMASK, &raw const none, std::ptr::null_mut());
    }
}

/// Closes what the caller left open: all descriptors from this one on.
pub(crate) fn close_from(first: u32) {
    // SAFETY: called before the shim has opened any descriptor of its own, so none is closed that
    // someone in this process owns.
    unsafe {
        libc::syscall(libc::SYS_close_range, first, u32::MAX, 0);
    }
}
