//! The modes in which Landfall's own processes run.

pub mod agent;
mod logging;
pub mod proxy;
pub mod shim;

use tokio::runtime::Builder;

use crate::cli::Command;
use crate::command_error::CommandResult;
use crate::commands::agent::AgentCommand;

/// Threads of the agent: one answers while another plans. Traffic is none of its business.
const AGENT_THREADS: usize = 2;

/// Carries out a command: on one thread, where it is one that people type.
///
/// # Errors
/// As the command, and when the system gives no threads.
pub fn block_on(command: &Command, work: impl Future<Output = CommandResult>) -> CommandResult {
    let is_agent = matches!(
        command,
        Command::Agent(args) if matches!(args.command, AgentCommand::Run(_))
    );
    let runtime = match is_agent {
        true => Builder::new_multi_thread()
            .worker_threads(AGENT_THREADS)
            .enable_all()
            .build()?,
        false => Builder::new_current_thread().enable_all().build()?,
    };
    let done = runtime.block_on(work);
    if !is_agent {
        // Somebody who types nothing more would be waited for.
        runtime.shutdown_background();
    }
    done
}
