//! What a shim leaves on disk about itself and its instance: all that is needed to find both
//! again, or to clean up after it, and never a value of the environment.

use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::cgroup::Cgroup;
use crate::files::write_atomically;
use crate::process::identity::Identity;
use crate::{INSTANCE_FORMAT, InstanceSpec, InstanceStatus};

/// Content of `state.json`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Record {
    /// [`INSTANCE_FORMAT`].
    pub format: u32,
    /// The shim that wrote it.
    pub shim: Identity,
    /// The app's first process, which leads its session.
    pub app: Option<Identity>,
    /// Processes of the app that lost their parent and became children of the shim.
    pub strays: Vec<Identity>,
    /// Inodes of the pipes that are the app's output: who holds one is of the instance.
    pub pipes: Vec<u64>,
    /// Where its processes are counted and limited.
    pub cgroup: Option<Cgroup>,
    /// What is told to others.
    pub status: InstanceStatus,
}

/// Paths in the directory of an instance.
#[derive(Debug, Clone)]
pub(crate) struct InstanceDir(pub PathBuf);

impl InstanceDir {
    pub fn path(&self) -> &Path {
        &self.0
    }

    pub fn spec(&self) -> PathBuf {
        self.0.join("spec.json")
    }

    pub fn state(&self) -> PathBuf {
        self.0.join("state.json")
    }

    pub fn exit(&self) -> PathBuf {
        self.0.join("exit.json")
    }

    pub fn log(&self) -> PathBuf {
        self.0.join("log")
    }

    /// What a process with a user of its own has in place of `/tmp`.
    pub fn temporary(&self) -> PathBuf {
        self.0.join("tmp")
    }

    /// Reads what the instance should be.
    pub fn read_spec(&self) -> io::Result<InstanceSpec> {
        let spec: InstanceSpec = read_json(&self.spec())?;
        check_format(spec.format)?;
        Ok(spec)
    }

    /// Writes what the instance should be.
    pub fn write_spec(&self, spec: &InstanceSpec) -> io::Result<()> {
        write_json(&self.spec(), spec)
    }

    /// Reads what the shim last wrote.
    pub fn read_record(&self) -> io::Result<Record> {
        let record: Record = read_json(&self.state())?;
        check_format(record.format)?;
        Ok(record)
    }

    /// Writes what will be read by whoever comes after the shim.
    pub fn write_record(&self, record: &Record) -> io::Result<()> {
        write_json(&self.state(), record)
    }
}

/// Reads a file of JSON; anything but that is `InvalidData`.
pub(crate) fn read_json<T: serde::de::DeserializeOwned>(path: &Path) -> io::Result<T> {
    Ok(serde_json::from_slice(&std::fs::read(path)?)?)
}

/// Writes a file of JSON, whole or not at all.
pub(crate) fn write_json(path: &Path, value: &impl Serialize) -> io::Result<()> {
    write_atomically(path, &serde_json::to_vec(value)?)
}

fn check_format(format: u32) -> io::Result<()> {
    if format == INSTANCE_FORMAT {
        return Ok(());
    }
    Err(io::Error::new(
        io::ErrorKind::InvalidData,
        format!("format {format} is not {INSTANCE_FORMAT}, which this build knows"),
    ))
}
