//! Servers in boxes do what machines do, and nothing of them stays.

mod docker;
mod faults;
mod gone;
mod users;
