//! Trees from one store to another: only what is missing, whatever happens on the way.

mod bring;
#[path = "../support/deadly.rs"]
mod deadly;
mod faults;
#[path = "../support/forged.rs"]
mod forged;
mod hostile;
mod resume;
mod round_trip;
#[path = "../support/mod.rs"]
mod support;
