//! Whole deployments on a simulated host: every call of the agent fails, the agent is killed at
//! every point it passes, releases are bad in every way, and users meet none of it.
//!
//! A failing seed is printed; `LANDFALL_SIM_SEED` replays it alone.

mod app;
mod ask;
mod bad;
mod faults;
mod kills;
mod panics;
mod queue;
mod returns;
mod seeds;
mod settled;
mod sim;
mod steps;
