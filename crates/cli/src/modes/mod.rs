//! The modes in which Landfall's own processes run.

pub mod agent;
mod logging;
pub mod proxy;
pub mod shim;

use tokio::runtime::{Builder, Runtime};

use crate::cli::Command;
use crate::commands::agent::AgentCommand;

/// Threads of the agent: one answers while another plans. Traffic is none of its business.
const AGENT_THREADS: usize = 2;

/// The async runtime for a command: one thread for those that people type.
///
/// # Errors
/// When the system gives none.
pub fn runtime(command: &Command) -> std::io::Result<Runtime> {
    let is_agent = matches!(
        command,
        Command::Agent(args) if matches!(args.command, AgentCommand::Run)
    );
    match is_agent {
        true => Builder::new_multi_thread()
            .worker_threads(AGENT_THREADS)
            .enable_all()
            .build(),
        false => Builder::new_current_thread().enable_all().build(),
    }
}
