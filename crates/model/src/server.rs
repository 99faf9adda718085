//! Names of servers.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A server as `ssh` knows it: `user@host`, a host of the user's ssh configuration, or
/// `ssh://user@host:port`. Never an option of `ssh`, and never two words.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ServerAddress(String);

/// Text that is no address of a server.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a server")]
pub struct InvalidServer(pub String);

impl ServerAddress {
    /// The address as `ssh` takes it.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for ServerAddress {
    type Err = InvalidServer;

    fn from_str(text: &str) -> Result<Self, InvalidServer> {
        let is_foreign = |c: char| c.is_whitespace() || c.is_control();
        match text.is_empty() || text.starts_with('-') || text.contains(is_foreign) {
            true => Err(InvalidServer(text.to_owned())),
            false => Ok(Self(text.to_owned())),
        }
    }
}

impl TryFrom<String> for ServerAddress {
    type Error = InvalidServer;

    fn try_from(text: String) -> Result<Self, InvalidServer> {
        text.parse()
    }
}

impl From<ServerAddress> for String {
    fn from(address: ServerAddress) -> Self {
        address.0
    }
}

impl fmt::Display for ServerAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_ssh_would_take_for_an_option_is_no_server() {
        for good in [
            "deploy@203.0.113.10",
            "web-1",
            "ssh://deploy@web.example:2222",
            "me@::1",
        ] {
            assert_eq!(good.parse::<ServerAddress>().unwrap().as_str(), good);
        }
        for bad in ["", "-oProxyCommand=x", "two words", "new\nline", "a\u{7}b"] {
            assert!(bad.parse::<ServerAddress>().is_err(), "{bad:?}");
        }
    }
}
