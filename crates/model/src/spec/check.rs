//! Questions asked of a release, and the answers that are expected.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::env::Template;
use crate::{ServiceName, millis};

/// An inclusive range of HTTP statuses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct StatusRange {
    /// Lowest accepted.
    pub from: u16,
    /// Highest accepted.
    pub to: u16,
}

impl StatusRange {
    /// Whether `status` is in the range.
    pub fn contains(self, status: u16) -> bool {
        (self.from..=self.to).contains(&status)
    }
}

/// A smoke check: a request through the proxy and the answer that it must get.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SmokeSpec {
    /// HTTP method.
    pub method: String,
    /// Path and query, starting with `/`.
    pub path: String,
    /// Host header; `None` takes the host of the first route that has one.
    pub host: Option<String>,
    /// Request headers to send besides.
    pub headers: BTreeMap<String, String>,
    /// Accepted statuses. Redirects are not followed.
    pub status: Vec<StatusRange>,
    /// The exact `Location` of the answer.
    pub location: Option<String>,
    /// Response headers: lower-case name to exact value.
    pub expect_headers: BTreeMap<String, String>,
    /// Media type of the answer, without parameters: `text/html`.
    pub media_type: Option<String>,
    /// What the body must hold.
    pub body: Option<BodyExpect>,
    /// How long the answer may take.
    #[serde(with = "millis")]
    pub timeout: Duration,
}

/// What a body must hold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BodyExpect {
    /// This text, anywhere.
    Contains(String),
    /// A match of this regular expression, anywhere.
    Matches(String),
}

/// Where the app itself tells its version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VersionSpec {
    /// Where the answer is found.
    pub source: VersionSource,
    /// What it must say, as a whole word; by default `${commit}`.
    pub expect: Template,
}

/// Where a version is found in the app's answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum VersionSource {
    /// In the body of this path.
    Path(String),
    /// In this response header of `/`.
    Header(String),
}

/// How a release proves itself under real traffic after the switch.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct WatchSpec {
    /// How long it is compared with the release before it.
    #[serde(with = "millis")]
    pub window: Duration,
    /// Answers of the new release below which nothing is concluded.
    pub min_requests: u64,
    /// It is clearly worse when its share of 5xx answers exceeds the old one's by this, 0 to 1…
    pub max_error_increase: f64,
    /// … or when its median latency is this many times the old one's.
    pub max_slowdown: f64,
    /// Only these services; empty means all that answer requests.
    pub services: Vec<ServiceName>,
}
