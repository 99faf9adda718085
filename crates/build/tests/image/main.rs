//! Building images, with a real engine of the tests' own.

mod bench;
mod builds;
mod contexts;
mod ends;
#[allow(dead_code, reason = "tests of other crates need other parts of it")]
#[path = "../../../testkit/src/docker.rs"]
mod engine_fixture;
mod failures;
mod inputs;
mod secrets;
