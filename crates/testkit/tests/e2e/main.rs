//! End to end: the real binary, real processes, real load. One test binary, so that it links once.

mod adopt;
mod assistant;
mod bad_releases;
mod containers;
mod control;
mod kill_agent;
mod kill_others;
mod know;
mod laptop;
mod live;
mod persistence;
mod plan;
mod reader;
mod registry;
mod servers;
mod servers_builds;
mod servers_containers;
mod servers_faults;
mod servers_refused;
mod stack;
mod stock;
mod storefront;
mod under_load;
mod yard;
