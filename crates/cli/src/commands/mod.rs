//! One verb a file: `*Args`, whose doc comment is the help that teaches, and `cmd_*`.

pub mod adopt;
pub mod agent;
pub mod attach;
pub mod cache;
pub mod cancel;
pub mod check;
pub mod completions;
pub mod config;
pub mod demo;
pub mod deploy;
pub mod dial_stdio;
pub mod help;
pub mod history;
pub mod init;
pub mod logs;
pub mod plan;
pub mod releases;
pub mod remove;
pub mod report;
pub mod restart;
pub mod rollback;
pub mod run;
pub mod scale;
pub mod schema;
pub mod server;
pub mod start;
pub mod status;
pub mod stop;
mod target;

use crate::cli::Command;
use crate::command_error::CommandResult;
use crate::context::Context;

/// Carries out a command.
///
/// # Errors
/// What the command fails with; nothing of it is printed yet.
pub async fn dispatch(context: &Context, command: &Command) -> CommandResult {
    match command {
        Command::Init(args) => init::cmd_init(context, args),
        Command::Check(args) => check::cmd_check(context, args),
        Command::Config(args) => config::cmd_config(context, args),
        Command::Plan(args) => plan::cmd_plan(context, args).await,
        Command::Deploy(args) => deploy::cmd_deploy(context, args).await,
        Command::Adopt(args) => adopt::cmd_adopt(context, args).await,
        Command::Status(args) => status::cmd_status(context, args).await,
        Command::Releases(args) => releases::cmd_releases(context, args).await,
        Command::Rollback(args) => rollback::cmd_rollback(context, args).await,
        Command::Logs(args) => logs::cmd_logs(context, args).await,
        Command::History(args) => history::cmd_history(context, args).await,
        Command::Report(args) => report::cmd_report(context, args).await,
        Command::Start(args) => start::cmd_start(context, args).await,
        Command::Stop(args) => stop::cmd_stop(context, args).await,
        Command::Restart(args) => restart::cmd_restart(context, args).await,
        Command::Scale(args) => scale::cmd_scale(context, args).await,
        Command::Run(args) => run::cmd_run(context, args).await,
        Command::Attach(args) => attach::cmd_attach(context, args).await,
        Command::Cancel(args) => cancel::cmd_cancel(context, args).await,
        Command::Cache(args) => cache::cmd_cache(context, args).await,
        Command::Remove(args) => remove::cmd_remove(context, args).await,
        Command::Agent(args) => agent::cmd_agent(context, args).await,
        Command::Server(args) => server::cmd_server(context, args).await,
        Command::DialStdio(args) => dial_stdio::cmd_dial_stdio(context, args).await,
        Command::Demo(args) => demo::cmd_demo(context, args).await,
        Command::Schema(args) => schema::cmd_schema(context, args),
        Command::Completions(args) => completions::cmd_completions(context, args),
        Command::Help(args) => help::cmd_help(context, args),
    }
}
