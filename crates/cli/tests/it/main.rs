//! The binary as a user meets it: help, exit codes, output, and the agent behind it.

mod action;
mod agent;
mod ci;
mod config;
mod deploy;
mod git;
mod harness;
mod help;
mod limited;
mod output;
mod server;
