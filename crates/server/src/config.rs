//! `/etc/landfall/agent.toml`: what is decided for a host as a whole.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

/// Explains the file to whoever opens it.
const PREFACE: &str = "# What Landfall is told about this server. After a change: \
                       systemctl restart landfall-agent\n\n";

/// The configuration of a host.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HostConfig {
    /// Where the proxy serves HTTP.
    pub http: SocketAddr,
}

/// Why the configuration cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// It cannot be read.
    #[error("failed to read {path}")]
    Unreadable {
        /// Which file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// It says what nothing understands.
    #[error("{path} is wrong: {message}")]
    Wrong {
        /// Which file.
        path: PathBuf,
        /// What and where.
        message: String,
    },
}

impl HostConfig {
    /// Reads the configuration from a file.
    ///
    /// # Errors
    /// When there is none, or something in it is wrong.
    pub fn read(path: &Path) -> Result<Self, ConfigError> {
        let text = std::fs::read_to_string(path).map_err(|source| ConfigError::Unreadable {
            path: path.to_owned(),
            source,
        })?;
        toml::from_str(&text).map_err(|error| ConfigError::Wrong {
            path: path.to_owned(),
            message: error.to_string().trim_end().to_owned(),
        })
    }

    /// The file that says this.
    pub fn text(&self) -> String {
        format!(
            "{PREFACE}# Where the proxy serves HTTP.\nhttp = \"{}\"\n",
            self.http
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_and_what_is_misspelt_is_refused_with_its_line() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("agent.toml");
        let config = HostConfig {
            http: "0.0.0.0:8080".parse().unwrap(),
        };
        std::fs::write(&file, config.text()).unwrap();
        assert_eq!(HostConfig::read(&file).unwrap(), config);
        std::fs::write(&file, "http = \"0.0.0.0:80\"\nhtpps = 1\n").unwrap();
        let said = HostConfig::read(&file).unwrap_err().to_string();
        assert!(said.contains("line 2") && said.contains("htpps"), "{said}");
    }
}
