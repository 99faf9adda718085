//! `landfall server add`.

use landfall_agent::api::types::AgentInfo;
use landfall_server::checks::Level;
use landfall_server::install::Part;
use landfall_server::{Facts, Ssh, inspect};
use serde_json::json;

use super::check::{judge_here, table, worst};
use super::root::{Root, Uploaded};
use super::{AddArgs, ask};
use crate::command_error::{CommandError, CommandResult, ErrorKind};
use crate::context::{Context, program};
use crate::exit::ExitCode;
use crate::printer::{Printer, Tone, human, plain};

pub(super) async fn add(context: &Context, args: &AddArgs) -> CommandResult {
    let printer = &context.printer;
    let ssh = Ssh::to(&args.server)?;
    let facts = inspect(&ssh).await?;
    let port = args.http.map(|http| http.port());
    let findings = judge_here(&facts, port, args.binary.as_deref())?;
    printer.say(format!(
        "\n{}\n",
        table(&findings, printer.paint(), printer.width())
    ));
    if worst(&findings) == Level::Refusal {
        let message = format!(
            "{} cannot be made a server as it is; nothing was done",
            args.server
        );
        let findings = json!(findings);
        return Err(CommandError::new(ErrorKind::Refused, message).with_data("findings", findings));
    }
    let binary = match &args.binary {
        Some(binary) => binary.clone(),
        None => program()?,
    };
    let size = std::fs::metadata(&binary)?.len();
    printer.say(intent(&facts, size));
    if args.dry_run {
        printer.json(&json!({ "server": args.server, "findings": findings, "done": [] }));
        return Ok(ExitCode::Ok);
    }
    context.confirm(&format!("do this on {}?", args.server))?;
    let root = Root::on(context, &ssh, &facts)?;
    printer.note(format!(
        "bringing the binary to {}: {}",
        args.server,
        human::bytes(size)
    ));
    let uploaded = Uploaded::bring(&ssh, &binary).await?;
    let parts = set_up(printer, &ssh, &root, &uploaded, &facts, args).await;
    uploaded.remove(&ssh).await?;
    let parts = parts?;
    let info = ask(&ssh).await?;
    tell(printer, args, &info);
    printer.json(&json!({
        "server": args.server, "findings": findings, "done": parts, "agent": info,
    }));
    Ok(ExitCode::Ok)
}

fn intent(facts: &Facts, size: u64) -> String {
    let verb = match facts.landfall {
        Some(_) => "puts right what differs of",
        None => "puts in place",
    };
    format!(
        "This {verb}:\n\
         \u{20} the binary ({}) at /usr/local/bin/landfall\n\
         \u{20} the services landfall-agent (root: it starts apps as users of their own) and\n\
         \u{20}   landfall-proxy (a user of its own, which may do nothing but serve ports)\n\
         \u{20} /etc/landfall/agent.toml, and state in /var/lib/landfall\n\
         \u{20} the group landfall, whose members may deploy; {} becomes one\n",
        human::bytes(size),
        facts.user
    )
}

async fn set_up(
    printer: &Printer,
    ssh: &Ssh,
    root: &Root,
    uploaded: &Uploaded,
    facts: &Facts,
    args: &AddArgs,
) -> CommandResult<Vec<Part>> {
    let program = uploaded.program();
    let http = args.http.map(|http| http.to_string());
    let mut words = vec![
        &*program,
        "server",
        "setup",
        "--json",
        "--member",
        &facts.user,
    ];
    if let Some(http) = &http {
        words.extend(["--http", http]);
    }
    let ran = root.run(ssh, &words).await?;
    let parts: Vec<Part> = ran
        .stdout
        .lines()
        .filter_map(|line| serde_json::from_str(line).ok())
        .collect();
    for part in &parts {
        let paint = printer.paint();
        let (mark, tone) = match part.is_new {
            true => ("+", Tone::Good),
            false => ("=", Tone::Faint),
        };
        printer.say(format!(
            "  {} {}",
            paint.tone(tone, mark),
            plain(&part.what)
        ));
    }
    match ran.code {
        0 => Ok(parts),
        _ => {
            let message = format!("{} could not be made ready", args.server);
            Err(CommandError::new(ErrorKind::Unexpected, message)
                .rendered(plain(ran.stderr.trim()))
                .hint("what is marked is done; put the rest right and run this again"))
        }
    }
}

fn tell(printer: &Printer, args: &AddArgs, info: &AgentInfo) {
    let paint = printer.paint();
    let mark = paint.tone(Tone::Good, "✓");
    let http: Vec<String> = info.http.iter().map(ToString::to_string).collect();
    printer.say(format!(
        "\n{mark} {} is ready: version {}, HTTP at {}",
        args.server,
        info.version,
        http.join(", ")
    ));
    printer.say(format!(
        "  deploy to it with this in landfall.toml, and `landfall deploy --env production`:\n\n\
         \u{20}   [environment.production]\n\u{20}   server = \"{}\"",
        args.server
    ));
}
