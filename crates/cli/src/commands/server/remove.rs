//! `landfall server remove`, and its other end.

use landfall_agent::paths::{HOST_STATE, StatePaths};
use landfall_server::install::uninstall;
use landfall_server::{INSTALLED, Ssh, inspect};
use serde_json::json;

use super::root::Root;
use super::{RemoveArgs, TeardownArgs};
use crate::agent_control::AgentControl;
use crate::command_error::{CommandError, CommandResult, ErrorKind};
use crate::context::{Context, program};
use crate::exit::ExitCode;
use crate::printer::{Tone, plain_lines};

pub(super) async fn remove(context: &Context, args: &RemoveArgs) -> CommandResult {
    let printer = &context.printer;
    let ssh = Ssh::to(&args.server)?;
    let facts = inspect(&ssh).await?;
    if facts.landfall.is_none() {
        printer.show(format!("Landfall is not installed on {}", args.server));
        printer.json(&json!({ "server": args.server, "removed": false }));
        return Ok(ExitCode::Ok);
    }
    let apps = match args.stop_apps {
        true => "stop all its apps and ",
        false => "",
    };
    context.confirm(&format!(
        "{apps}take Landfall from {}? Nothing serves its traffic from then on",
        args.server
    ))?;
    let root = Root::on(context, &ssh, &facts)?;
    let mut words = vec![INSTALLED, "server", "teardown"];
    if args.stop_apps {
        words.push("--stop-apps");
    }
    let ran = root.run(&ssh, &words).await?;
    if ran.code != 0 {
        let message = format!("failed to take Landfall from {}", args.server);
        let said = plain_lines(ran.stderr.trim());
        return Err(CommandError::new(ErrorKind::Unexpected, message).rendered(said));
    }
    let mark = printer.paint().tone(Tone::Good, "✓");
    printer.show(format!(
        "{mark} {}\n{}",
        args.server,
        plain_lines(ran.stdout.trim())
    ));
    printer.json(&json!({ "server": args.server, "removed": true }));
    Ok(ExitCode::Ok)
}

pub(super) async fn teardown(context: &Context, args: &TeardownArgs) -> CommandResult {
    let printer = &context.printer;
    let agent = AgentControl::new(StatePaths::of_host(), program()?);
    let failed = |error| CommandError::from_error(ErrorKind::Refused, &error);
    uninstall::stop().map_err(failed)?;
    if args.stop_apps {
        agent.halt().await?;
    }
    let running = agent.running_apps().await?;
    uninstall::remove().map_err(failed)?;
    printer.show("  agent, proxy, their units and the binary are gone");
    if !running.is_empty() {
        printer.show(format!(
            "  still running, with nobody to serve them: {}",
            running.join(", ")
        ));
    }
    printer.show(format!("  the data of apps is in {HOST_STATE}"));
    Ok(ExitCode::Ok)
}
