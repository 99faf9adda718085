//! Images: taken apart, sent, and made again byte for byte.

mod archives;
#[path = "../support/deadly.rs"]
mod deadly;
mod engine;
#[allow(dead_code, reason = "tests of other crates need other parts of it")]
#[path = "../../../testkit/src/docker.rs"]
mod engine_fixture;
mod exports;
mod faults;
mod hostile;
mod keeping;
mod round_trip;
#[path = "../support/mod.rs"]
mod support;
mod transfer;
