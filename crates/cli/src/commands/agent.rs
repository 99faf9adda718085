//! `landfall agent`.

use clap::{Args, Subcommand};
use jiff::Timestamp;
use landfall_agent::api::types::AgentInfo;
use serde_json::json;

use crate::agent_control::{AgentControl, is_supervised};
use crate::command_error::{CommandError, CommandResult, ErrorKind};
use crate::context::Context;
use crate::exit::ExitCode;
use crate::modes;
use crate::printer::{Paint, Tone, human, text};

/// Start, stop and inspect the agent of this machine
///
/// The agent plans and carries out deployments and keeps apps running. Every command that needs it
/// starts it; it runs in the background, is restarted when it crashes, and apps, proxy and traffic
/// do without it while it is gone.
#[derive(Debug, Args)]
pub struct AgentArgs {
    /// What to do with it.
    #[command(subcommand)]
    pub command: AgentCommand,
}

/// What to do with the agent.
#[derive(Debug, Subcommand)]
pub enum AgentCommand {
    /// Start the agent, unless it runs
    Start,
    Stop(StopArgs),
    /// Show whether the agent and the proxy run, and what is wrong with them
    ///
    /// The exit code is 6 when the agent does not run or does not answer.
    Status,
    /// Be the agent, in the foreground
    #[command(hide = true)]
    Run(RunArgs),
}

/// Stop the agent; apps and proxy stay up
///
/// Examples:
///   landfall agent stop                the agent alone: nothing is lost, nothing is deployed
///   landfall agent stop --everything   all apps and the proxy as well, after asking
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub struct StopArgs {
    /// Stop all apps and the proxy as well
    #[arg(long)]
    pub everything: bool,
}

/// Be the agent, in the foreground
#[derive(Debug, Args)]
pub struct RunArgs {
    /// Be the agent of this host, as its init system starts it
    #[arg(long)]
    pub host: bool,
}

/// Does it.
///
/// # Errors
/// When the agent cannot be started, stopped or asked.
pub async fn cmd_agent(context: &Context, args: &AgentArgs) -> CommandResult {
    match &args.command {
        AgentCommand::Start => start(context).await,
        AgentCommand::Stop(args) if args.everything => stop_everything(context).await,
        AgentCommand::Stop(_) => stop(context).await,
        AgentCommand::Status => status(context).await,
        AgentCommand::Run(RunArgs { host: true }) => modes::agent::run_of_host().await,
        AgentCommand::Run(_) => modes::agent::run(context.paths()?).await,
    }
}

async fn start(context: &Context) -> CommandResult {
    let printer = &context.printer;
    let started = context.agent()?.start(printer).await?;
    let said = if started.was_running {
        "runs already"
    } else {
        "started"
    };
    let mark = printer.paint().tone(Tone::Good, "✓");
    printer.show(format!(
        "{mark} the agent {said}\n{}",
        describe(&started.info, printer.paint())
    ));
    printer.json(&json!({ "was_running": started.was_running, "agent": started.info }));
    Ok(ExitCode::Ok)
}

async fn stop(context: &Context) -> CommandResult {
    let printer = &context.printer;
    let was_running = context.agent()?.stop().await?;
    printer.show(match was_running {
        true => "the agent is stopped; apps and proxy stay up",
        false => "the agent does not run",
    });
    printer.json(&json!({ "was_running": was_running }));
    Ok(ExitCode::Ok)
}

async fn stop_everything(context: &Context) -> CommandResult {
    let printer = &context.printer;
    let agent = context.agent()?;
    let names = agent.running_apps().await?;
    let what = match names.is_empty() {
        true => "the proxy and the agent".to_owned(),
        false => format!("{}, the proxy and the agent", names.join(", ")),
    };
    context.confirm(&format!(
        "stop {what}? Nothing answers until they are started again"
    ))?;
    agent.stop_everything().await?;
    printer.show(format!("stopped {what}"));
    printer.json(&json!({ "stopped": names }));
    Ok(ExitCode::Ok)
}

async fn status(context: &Context) -> CommandResult {
    let printer = &context.printer;
    let agent = context.agent()?;
    match agent.ask().await {
        Ok(info) => {
            printer.show(describe(&info, printer.paint()));
            printer.json(&json!({ "running": true, "answers": true, "agent": info }));
            Ok(ExitCode::Ok)
        }
        Err(error) => Err(not_answering(&agent, CommandError::from(error)).await?),
    }
}

async fn not_answering(agent: &AgentControl, error: CommandError) -> CommandResult<CommandError> {
    let status = agent.status().await?;
    let is_running = status.as_ref().is_some_and(is_supervised);
    let error = match is_running {
        true => error.during("the agent runs and does not answer").hint(
            "`landfall agent stop && landfall agent start` replaces it; apps and proxy stay up",
        ),
        false => CommandError::new(ErrorKind::Unreachable, "the agent does not run")
            .hint("`landfall agent start` starts it, as does every command that needs it"),
    };
    Ok(error.with_data("running", json!(is_running)))
}

fn describe(info: &AgentInfo, paint: Paint) -> String {
    let mut out = String::new();
    let mut row = |label: &str, said: String| {
        let label = paint.tone(Tone::Faint, &text::pad(label, 8));
        out.push_str(&format!("  {label} {said}\n"));
    };
    let up = human::ago(info.since, Timestamp::now());
    row(
        "agent",
        format!("version {}, process {}, since {up}", info.version, info.pid),
    );
    match &info.proxy {
        Some(proxy) => {
            let said = format!(
                "version {}, process {}, routes {}",
                proxy.version, proxy.pid, proxy.generation
            );
            row("proxy", said);
        }
        None => row("proxy", paint.tone(Tone::Bad, "does not answer")),
    }
    for address in &info.http {
        row(
            "http",
            paint.tone(Tone::Accent, &format!("http://{address}")),
        );
    }
    row("state", info.state_dir.display().to_string());
    for problem in &info.problems {
        row("problem", paint.tone(Tone::Bad, problem));
    }
    out
}
