//! The Docker runtime, with a real engine of the tests' own.

mod basics;
mod bench;
mod both;
mod ends;
mod engine;
#[path = "../../../testkit/src/docker.rs"]
mod engine_fixture;
mod logs;
mod networks;
mod ownership;
mod restarts;
#[path = "../support/mod.rs"]
mod support;
