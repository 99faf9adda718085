//! Building images, with a real engine of the tests' own.

mod bench;
mod builds;
mod contexts;
mod ends;
#[path = "../../../testkit/src/docker.rs"]
mod engine_fixture;
mod failures;
mod inputs;
mod secrets;
