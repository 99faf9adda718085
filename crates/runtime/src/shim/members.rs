//! Which processes belong to the app: everything below the shim, as it is their subreaper, and
//! everything in the app's control group. Of Landfall's own processes only what is in their
//! session belongs to them: the shims that an agent starts, and their apps, must outlive it.

use crate::cgroup::Cgroup;
use crate::proc::{self, ProcStat};
use crate::process::identity::Identity;

/// Every living process of the session that `leader` began, itself included.
pub(crate) fn of_session(leader: &Identity) -> Vec<ProcStat> {
    let all = proc::all();
    let is_leader = |process: &&ProcStat| process.pid == leader.pid;
    if all
        .iter()
        .find(is_leader)
        .is_some_and(|process| process.start != leader.start)
    {
        // The number went to a stranger, and so the session is not ours any more.
        return Vec::new();
    }
    let is_ours = |p: &ProcStat| p.session == leader.pid && p.start >= leader.start;
    all.into_iter().filter(is_ours).collect()
}

/// Every living process of the app, the first one included.
pub(crate) fn find(cgroup: Option<&Cgroup>) -> Vec<ProcStat> {
    let shim = std::process::id();
    let all = proc::all();
    let in_group = cgroup.map(Cgroup::members).unwrap_or_default();
    let mut found = proc::descendants(&all, |process| process.pid == shim);
    for process in all {
        if in_group.contains(&process.pid) && process.pid != shim && !found.contains(&process) {
            found.push(process);
        }
    }
    found
}

/// Sends a signal to every one of them. Gives how many got it.
pub(crate) fn signal(members: &[ProcStat], signal: i32) -> usize {
    let Ok(boot_id) = crate::process::identity::boot_id() else {
        return 0;
    };
    let mut sent = 0;
    for member in members {
        let identity = Identity {
            boot_id: boot_id.clone(),
            pid: member.pid,
            start: member.start,
        };
        sent += usize::from(identity.send(signal).unwrap_or(false));
    }
    sent
}

/// Children of the shim other than the app itself: they lost their parent, and would be hard to
/// find if the shim were killed as well. Reads one file of `/proc`, not all of it.
pub(crate) fn strays(app: Option<u32>) -> Vec<Identity> {
    let pid = std::process::id();
    let children = std::fs::read_to_string(format!("/proc/{pid}/task/{pid}/children"));
    children
        .unwrap_or_default()
        .split_ascii_whitespace()
        .filter_map(|child| child.parse().ok())
        .filter(|&child| Some(child) != app)
        .filter_map(Identity::of)
        .collect()
}
