//! The Docker runtime, with a real engine of the tests' own.

mod basics;
mod bench;
mod both;
mod ends;
mod engine;
#[allow(dead_code, reason = "tests of other crates need other parts of it")]
#[path = "../../../testkit/src/docker.rs"]
mod engine_fixture;
mod logs;
mod networks;
mod ownership;
mod restarts;
#[path = "../support/mod.rs"]
mod support;
