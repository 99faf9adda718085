//! A type for each noun that is named or numbered, so that one is never passed for another.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Longest accepted name, in bytes. Names become path segments, and labels of a DNS name, which
/// RFC 1035 limits to 63 bytes.
pub const MAX_NAME: usize = 63;

/// A name that breaks the rule of its kind.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{name:?} is not a valid {kind} name: {rule}")]
pub struct InvalidName {
    /// What the name was for: "app", "service", …
    pub kind: &'static str,
    /// The name as it was given.
    pub name: String,
    /// The rule it breaks, for a person.
    pub rule: &'static str,
}

const LOWER_RULE: &str =
    "use 1 to 63 lower-case letters, digits, `-` and `_`, starting with a letter or a digit";
const MIXED_RULE: &str =
    "use 1 to 63 letters, digits, `-`, `_` and `.`, starting with a letter or a digit";

fn is_lower_name(name: &str) -> bool {
    is_name(
        name,
        |byte| byte.is_ascii_lowercase() || byte.is_ascii_digit(),
        b"-_",
    )
}

fn is_mixed_name(name: &str) -> bool {
    is_name(name, |byte| byte.is_ascii_alphanumeric(), b"-_.")
}

fn is_name(name: &str, first: impl Fn(u8) -> bool, more: &[u8]) -> bool {
    let bytes = name.as_bytes();
    (1..=MAX_NAME).contains(&bytes.len())
        && first(bytes[0])
        && bytes
            .iter()
            .all(|&byte| first(byte) || more.contains(&byte))
}

macro_rules! name {
    ($(#[$doc:meta])* $type:ident, $kind:literal, $is_valid:ident, $rule:ident) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $type(String);

        impl $type {
            /// The name as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $type {
            type Err = InvalidName;
            fn from_str(name: &str) -> Result<Self, InvalidName> {
                if $is_valid(name) {
                    Ok(Self(name.to_owned()))
                } else {
                    Err(InvalidName { kind: $kind, name: name.to_owned(), rule: $rule })
                }
            }
        }

        impl TryFrom<String> for $type {
            type Error = InvalidName;
            fn try_from(name: String) -> Result<Self, InvalidName> {
                name.parse()
            }
        }

        impl From<$type> for String {
            fn from(name: $type) -> String {
                name.0
            }
        }

        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }

        impl fmt::Debug for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{:?}", self.0)
            }
        }

        impl AsRef<str> for $type {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }
    };
}

name!(
    /// An app: one `landfall.toml`.
    AppName, "app", is_lower_name, LOWER_RULE
);
name!(
    /// A named place that an app is deployed to: production, staging, preview-42, local.
    EnvironmentName, "environment", is_lower_name, LOWER_RULE
);
name!(
    /// A part of an app that runs, or that the proxy serves. Compose's rule for service names.
    ServiceName, "service", is_mixed_name, MIXED_RULE
);
name!(
    /// A one-off command of a release.
    TaskName, "task", is_mixed_name, MIXED_RULE
);
name!(
    /// One running copy of a service, unique on its host for ever, for example `web-12-1-k3f9`.
    InstanceId, "instance", is_instance_id, INSTANCE_RULE
);

const INSTANCE_RULE: &str = "use 1 to 100 letters, digits, `-`, `_` and `.`";

fn is_instance_id(id: &str) -> bool {
    (1..=100).contains(&id.len())
        && !id.starts_with('.')
        && id
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
}

macro_rules! number {
    ($(#[$doc:meta])* $type:ident, $inner:ty) => {
        $(#[$doc])*
        #[derive(
            Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, Debug,
        )]
        #[serde(transparent)]
        pub struct $type(pub $inner);

        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl FromStr for $type {
            type Err = std::num::ParseIntError;
            fn from_str(text: &str) -> Result<Self, Self::Err> {
                text.parse().map(Self)
            }
        }
    };
}

number!(
    /// A release of one environment. Counts from 1 and is never reused.
    ReleaseNumber, u32
);
number!(
    /// A deployment on one host. Counts from 1 and is never reused.
    DeploymentId, u64
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_could_leave_a_directory_are_refused() {
        for bad in [
            "",
            ".",
            "..",
            "a/b",
            "-a",
            "_a",
            "a b",
            "A",
            "é",
            "a\0",
            &"a".repeat(64),
        ] {
            assert!(bad.parse::<AppName>().is_err(), "{bad:?} was accepted");
        }
        for bad in ["", ".", "..", "a/b", ".a", "a\n"] {
            assert!(bad.parse::<ServiceName>().is_err(), "{bad:?} was accepted");
            assert!(bad.parse::<InstanceId>().is_err(), "{bad:?} was accepted");
        }
    }

    #[test]
    fn names_are_checked_when_they_are_read() {
        assert!(serde_json::from_str::<AppName>("\"shop\"").is_ok());
        let error = serde_json::from_str::<AppName>("\"../shop\"")
            .unwrap_err()
            .to_string();
        assert!(error.contains("not a valid app name"), "{error}");
    }
}
