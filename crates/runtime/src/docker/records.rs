//! Which instances are containers, and what each should be: one file for each.
//!
//! Tells what should exist and never what does, which only the engine knows. By it an instance
//! whose container someone removed differs from one that never was, and processes are told from
//! containers without asking an engine.

use std::io;
use std::path::{Path, PathBuf};

use landfall_model::InstanceId;

use crate::record::{read_json, write_json};
use crate::{INSTANCE_FORMAT, InstanceSpec, RuntimeError};

/// A directory with a file for each container instance.
#[derive(Debug, Clone)]
pub(super) struct Records(pub PathBuf);

impl Records {
    fn path(&self, id: &InstanceId) -> PathBuf {
        self.0.join(format!("{id}.json"))
    }

    /// Whether this instance is a container, here or gone.
    pub fn has(&self, id: &InstanceId) -> bool {
        self.path(id).exists()
    }

    /// Whether there is none at all, so that no engine has to be asked.
    pub fn is_empty(&self) -> bool {
        self.ids().is_ok_and(|ids| ids.is_empty())
    }

    /// The instances that are containers.
    pub fn ids(&self) -> Result<Vec<InstanceId>, RuntimeError> {
        let failed = |source| failed("list", &self.0, source);
        let entries = match std::fs::read_dir(&self.0) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries.map_err(failed)?,
        };
        let mut ids = Vec::new();
        for entry in entries {
            let name = entry.map_err(failed)?.file_name();
            let id = name.to_str().and_then(|name| name.strip_suffix(".json"));
            ids.extend(id.and_then(|id| id.parse::<InstanceId>().ok()));
        }
        Ok(ids)
    }

    /// What an instance should be; `None` where it is no container.
    pub fn read(&self, id: &InstanceId) -> Result<Option<InstanceSpec>, RuntimeError> {
        let path = self.path(id);
        match read_json::<InstanceSpec>(&path) {
            Ok(spec) if spec.format == INSTANCE_FORMAT => Ok(Some(spec)),
            Ok(spec) => {
                let text = format!("format {} is not {INSTANCE_FORMAT}", spec.format);
                let source = io::Error::new(io::ErrorKind::InvalidData, text);
                Err(failed("read", &path, source))
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(failed("read", &path, error)),
        }
    }

    /// Writes what an instance should be.
    pub fn write(&self, spec: &InstanceSpec) -> Result<(), RuntimeError> {
        std::fs::create_dir_all(&self.0).map_err(|error| failed("make", &self.0, error))?;
        let path = self.path(&spec.id);
        write_json(&path, spec).map_err(|error| failed("write", &path, error))
    }

    /// Forgets an instance.
    pub fn remove(&self, id: &InstanceId) -> Result<(), RuntimeError> {
        let path = self.path(id);
        match std::fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(failed("remove", &path, error))
            }
            _ => Ok(()),
        }
    }
}

fn failed(operation: &'static str, path: &Path, source: io::Error) -> RuntimeError {
    RuntimeError::Io {
        operation,
        path: path.to_owned(),
        source,
    }
}
