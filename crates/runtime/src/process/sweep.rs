//! What is left when a shim is gone without a word: its app's processes are found and killed, so
//! that the instance can be replaced and never runs twice.
//!
//! Only who is proven to be of the instance is killed: the recorded process by boot, pid and start
//! time, members of the instance's control group, holders of its output pipes, and whoever is
//! below one of those. A pid, session or name alone proves nothing.

use std::collections::BTreeSet;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::time::Duration;

use landfall_model::InstanceId;
use tokio::time::{Instant, sleep};

use super::client::has_shim;
use super::identity::{Identity, boot_id, is_same_process};
use super::{io_error, shim_error};
use crate::proc::{self, ProcStat};
use crate::record::{InstanceDir, Record, read_json};
use crate::{Exit, InstanceState, InstanceStatus, RuntimeError};

/// How long killed processes may take to go.
const GONE_WITHIN: Duration = Duration::from_secs(10);

/// The status of an instance without a shim. One that should run is cleaned up and becomes
/// [`InstanceState::Lost`].
pub(super) async fn settle(
    dir: &InstanceDir,
    id: &InstanceId,
) -> Result<InstanceStatus, RuntimeError> {
    let record = match dir.read_record() {
        Ok(record) => record,
        Err(error) => return without_record(dir, id, error),
    };
    if matches!(
        record.status.state,
        InstanceState::Exited | InstanceState::Lost
    ) {
        return Ok(record.status);
    }
    tracing::warn!(instance = %id, "shim is gone without a word");
    kill_remains(&record, id).await?;
    let mut record = record;
    record.status.state = InstanceState::Lost;
    record.status.seq += 1;
    // Someone may have started it again meanwhile; then the record is not ours to write.
    if !has_shim(dir).map_err(io_error("lock", dir.path()))? {
        dir.write_record(&record)
            .map_err(io_error("write", dir.state()))?;
    }
    Ok(record.status)
}

/// The best that can be said of an instance whose record is missing or garbage.
fn without_record(
    dir: &InstanceDir,
    id: &InstanceId,
    error: io::Error,
) -> Result<InstanceStatus, RuntimeError> {
    if !dir.path().exists() {
        return Err(RuntimeError::NotFound(id.clone()));
    }
    let Ok(spec) = dir.read_spec() else {
        return Err(io_error("read", dir.state())(error));
    };
    let last_exit: Option<Exit> = read_json(&dir.exit()).ok();
    let state = match (&last_exit, &spec.restart) {
        (Some(_), None) => InstanceState::Exited,
        _ => InstanceState::Lost,
    };
    Ok(InstanceStatus {
        spec,
        state,
        restarts: 0,
        last_exit,
        health: None,
        seq: 1,
        notes: Vec::new(),
    })
}

async fn kill_remains(record: &Record, id: &InstanceId) -> Result<(), RuntimeError> {
    if boot_id().is_ok_and(|boot| boot != record.shim.boot_id) {
        // Nothing outlives a boot.
        return Ok(());
    }
    let deadline = Instant::now() + GONE_WITHIN;
    loop {
        let remains = find(record);
        for process in &remains {
            let _ = process.send(libc::SIGKILL);
        }
        if let Some(cgroup) = &record.cgroup {
            cgroup.kill();
        }
        if remains.is_empty() && record.cgroup.as_ref().is_none_or(|cgroup| cgroup.remove()) {
            return Ok(());
        }
        if Instant::now() >= deadline {
            return match remains.first() {
                Some(first) => Err(shim_error(
                    id,
                    format!("is gone; process {} cannot be killed", first.pid),
                )),
                None => Ok(()),
            };
        }
        sleep(Duration::from_millis(5)).await;
    }
}

/// Every living process that is proven to be of the instance.
pub(super) fn find(record: &Record) -> Vec<Identity> {
    let all = proc::all();
    let app = record.app.as_ref().filter(|app| is_same_process(app));
    let strays: BTreeSet<u32> = record
        .strays
        .iter()
        .filter(|stray| is_same_process(stray))
        .map(|stray| stray.pid)
        .collect();
    let in_group = record
        .cgroup
        .as_ref()
        .map(|group| group.members())
        .unwrap_or_default();
    let is_proven = |process: &ProcStat| {
        strays.contains(&process.pid)
            || in_group.contains(&process.pid)
            // Its leader lives, so the session is still the app's and nobody else's.
            || app.is_some_and(|app| process.pid == app.pid || process.session == app.pid)
            || holds_pipe(process.pid, &record.pipes)
    };
    let own = std::process::id();
    let proven: BTreeSet<u32> = all.iter().filter(|p| is_proven(p)).map(|p| p.pid).collect();
    let mut found = proc::descendants(&all, |process| proven.contains(&process.pid));
    found.extend(all.iter().filter(|process| proven.contains(&process.pid)));
    found
        .into_iter()
        .filter(|process| process.pid != own && process.pid != 1)
        .map(|process| Identity {
            boot_id: record.shim.boot_id.clone(),
            pid: process.pid,
            start: process.start,
        })
        .collect()
}

/// Whether a process has one of the app's output pipes open for writing.
fn holds_pipe(pid: u32, inodes: &[u64]) -> bool {
    if inodes.is_empty() {
        return false;
    }
    // The standard descriptors first: nearly every child keeps them.
    (1..=2).any(|fd| {
        std::fs::metadata(format!("/proc/{pid}/fd/{fd}")).is_ok_and(|data| {
            data.mode() & libc::S_IFMT == libc::S_IFIFO && inodes.contains(&data.ino())
        })
    })
}
