//! Groups that someone else made.

use std::io;
use std::path::Path;

use landfall_model::spec::Limits;

use super::mounts::{self, Layout};
use super::{v1, v2};

/// Where the hierarchies are mounted.
#[derive(Debug, Clone)]
pub(crate) struct Mounts(String);

/// A group of someone else's, by its path.
#[derive(Debug)]
pub(crate) struct Found(Layout);

impl Mounts {
    /// Those of this machine.
    pub fn read() -> Self {
        Self(std::fs::read_to_string("/proc/self/mountinfo").unwrap_or_default())
    }

    /// The group that has this path in every hierarchy.
    pub fn find(&self, path: &Path) -> Found {
        let path = path.display();
        let membership = format!("2:memory:{path}\n1:cpu:{path}\n0::{path}\n");
        Found(mounts::parse(&self.0, &membership))
    }

    #[cfg(test)]
    pub fn of(mountinfo: &str) -> Self {
        Self(mountinfo.to_owned())
    }
}

impl Found {
    /// Whether it is there, wherever limits of memory and cores are written.
    pub fn is_there(&self) -> bool {
        match self.0.v1.is_empty() {
            true => self.0.v2.iter().all(|(_, dir)| dir.is_dir()),
            false => self.0.v1.iter().all(|(_, dir)| dir.is_dir()),
        }
    }

    /// Gives it limits of memory and cores.
    ///
    /// # Errors
    /// When this process may not, or it is gone.
    pub fn limit(&self, limits: &Limits) -> io::Result<()> {
        match (&self.0.v1, &self.0.v2) {
            (v1, _) if !v1.is_empty() => v1::limit(&self.0, limits),
            (_, Some((_, dir))) => v2::write_limits(dir, limits),
            _ => Ok(()),
        }
    }
}
