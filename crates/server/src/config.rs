//! `/etc/landfall/agent.toml`: what is decided for a host as a whole.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use landfall_model::Network;
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
    /// Web servers in front of it. Where nothing is said and HTTP is served on loopback, all that
    /// can reach it is on this machine and is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub behind: Option<Vec<Network>>,
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

    /// The web servers in front, whose word about visitors is believed.
    pub fn behind(&self) -> Vec<Network> {
        let loopback = ["127.0.0.0/8", "::1"].map(|text| text.parse().ok());
        match &self.behind {
            Some(behind) => behind.clone(),
            None if self.http.ip().is_loopback() => loopback.into_iter().flatten().collect(),
            None => Vec::new(),
        }
    }

    /// The file that says this.
    pub fn text(&self) -> String {
        let http = format!("# Where the proxy serves HTTP.\nhttp = \"{}\"\n", self.http);
        let behind = self.behind.as_ref().map_or(String::new(), |behind| {
            let quoted: Vec<String> = behind.iter().map(|network| format!("\"{network}\"")).collect();
            format!(
                "# Web servers in front of it: what they say about visitors is believed.\nbehind = [{}]\n",
                quoted.join(", ")
            )
        });
        format!("{PREFACE}{http}{behind}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_and_what_is_misspelt_is_refused_with_its_line() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("agent.toml");
        for behind in [None, Some(vec!["172.17.0.0/16".parse().unwrap()])] {
            let config = HostConfig {
                http: "0.0.0.0:8080".parse().unwrap(),
                behind,
            };
            std::fs::write(&file, config.text()).unwrap();
            assert_eq!(HostConfig::read(&file).unwrap(), config);
        }
        std::fs::write(&file, "http = \"0.0.0.0:80\"\nhtpps = 1\n").unwrap();
        let said = HostConfig::read(&file).unwrap_err().to_string();
        assert!(said.contains("line 2") && said.contains("htpps"), "{said}");
    }

    #[test]
    fn d6_on_loopback_everybody_is_a_web_server_in_front_and_elsewhere_nobody() {
        let behind = |http: &str| {
            let http = http.parse().unwrap();
            HostConfig { http, behind: None }.behind()
        };
        let local: std::net::IpAddr = "127.0.0.1".parse().unwrap();
        assert!(
            behind("127.0.0.1:8080")
                .iter()
                .any(|network| network.contains(local))
        );
        assert!(behind("0.0.0.0:80").is_empty());
    }
}
