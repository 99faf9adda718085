//! From a directory and an environment to a supervised app.

use std::collections::BTreeMap;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use jiff::Timestamp;

use super::app::{Env, open_files_note};
use super::control::Control;
use super::fork::signals_as_descriptor;
use super::log::LogWriter;
use super::output::Output;
use super::policy::RestartPolicy;
use super::store::Store;
use super::supervisor::{Supervisor, wait_for};
use crate::cgroup::{self, Cgroup};
use crate::lock::InstanceLock;
use crate::process::identity::Identity;
use crate::record::{InstanceDir, Record};
use crate::{INSTANCE_FORMAT, InstanceSpec, InstanceState, InstanceStatus};

/// Why there is no supervisor.
pub(crate) enum Failure {
    /// Another shim has the instance.
    AlreadySupervised,
    /// Anything else, for a person.
    Other(String),
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::Other(format!("failed to leave the caller's session: {error}"))
    }
}

/// Reads the environment of the app.
pub(crate) fn read_env(mut from: impl Read) -> io::Result<Env> {
    let mut text = Vec::new();
    from.read_to_end(&mut text)?;
    let env: BTreeMap<String, String> = serde_json::from_slice(&text)?;
    Ok(env
        .into_iter()
        .map(|(name, value)| (name.into(), value.into()))
        .collect())
}

/// Takes the instance and starts its app.
pub(crate) fn supervisor(dir: PathBuf, env: Env) -> Result<Supervisor, Failure> {
    let dir = InstanceDir(dir);
    let lock = take_lock(dir.path())?.ok_or(Failure::AlreadySupervised)?;
    let spec = dir
        .read_spec()
        .map_err(|error| failed("read", &dir.spec(), &error))?;
    let signals = signals_as_descriptor().map_err(|error| other("block signals", &error))?;
    let is_app = spec.owner.is_some();
    if is_app {
        rustix::process::set_child_subreaper(Some(rustix::process::getpid()))
            .map_err(|error| other("adopt orphans", &error.into()))?;
    }
    let log = LogWriter::open(dir.log(), spec.log)
        .map_err(|error| failed("open the log in", &dir.log(), &error))?;
    // What Landfall's own processes start would inherit their group, and go with it.
    let made = match is_app {
        true => cgroup::make(&spec.id, &spec.limits),
        false => cgroup::Made::default(),
    };
    let (store, control) = settle_in(dir, lock, &spec, made.cgroup.clone(), made.notes)
        .inspect_err(|_| {
            if let Some(cgroup) = &made.cgroup {
                cgroup.remove();
            }
        })?;
    let mut supervisor = Supervisor {
        policy: spec.restart.clone().map(RestartPolicy::new),
        spec,
        env,
        store,
        control,
        log,
        signals,
        cgroup: made.cgroup,
        begun: Instant::now(),
        output: Output::none(),
        app: None,
        session: None,
        ended: None,
        stopping: None,
        restart_at: None,
        is_done: false,
    };
    for note in supervisor.store.record().status.notes.clone() {
        supervisor.log.say(&note);
    }
    supervisor.start_app();
    Ok(supervisor)
}

/// Everything that can fail for want of room or rights is done here, before the app is started.
fn settle_in(
    dir: InstanceDir,
    lock: InstanceLock,
    spec: &InstanceSpec,
    cgroup: Option<Cgroup>,
    mut notes: Vec<String>,
) -> Result<(Store, Control), Failure> {
    notes.extend(open_files_note(spec.limits.open_files));
    let earlier = dir.read_record().ok();
    let shim = Identity::of(std::process::id())
        .ok_or_else(|| Failure::Other("failed to read /proc/self/stat".to_owned()))?;
    let record = Record {
        format: INSTANCE_FORMAT,
        shim,
        app: None,
        strays: Vec::new(),
        pipes: Vec::new(),
        cgroup,
        status: InstanceStatus {
            spec: spec.clone(),
            state: InstanceState::BackingOff {
                until: Timestamp::now(),
            },
            restarts: 0,
            last_exit: None,
            health: None,
            seq: earlier.map_or(1, |earlier| earlier.status.seq + 1),
            notes,
        },
    };
    let (exit, state) = (dir.exit(), dir.state());
    let _ = std::fs::remove_file(exit);
    let store = Store::open(dir, lock, record).map_err(|error| failed("write", &state, &error))?;
    let control = Control::bind(store.locked())
        .map_err(|error| failed("listen on control.sock in", store.dir.path(), &error))?;
    Ok((store, control))
}

/// Takes the lock, past those who only ask whether it is held.
fn take_lock(dir: &Path) -> Result<Option<InstanceLock>, Failure> {
    for _ in 0..50 {
        match InstanceLock::take(dir) {
            Ok(None) => wait_for(std::iter::empty(), Duration::from_millis(4)),
            Ok(lock) => return Ok(lock),
            Err(error) => return Err(failed("lock", dir, &error)),
        }
    }
    Ok(None)
}

fn failed(operation: &str, path: &Path, error: &io::Error) -> Failure {
    Failure::Other(format!("failed to {operation} {}: {error}", path.display()))
}

fn other(operation: &str, error: &io::Error) -> Failure {
    Failure::Other(format!("failed to {operation}: {error}"))
}
