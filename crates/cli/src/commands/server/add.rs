//! `landfall server add` and `landfall server upgrade`.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use landfall_agent::api::types::AgentInfo;
use landfall_model::Network;
use landfall_server::checks::Level;
use landfall_server::install::{Part, path_of};
use landfall_server::{Facts, INSTALLED, Ssh, inspect};
use serde_json::json;

use super::check::{judge_here, not_served, table, worst};
use super::root::{Root, Uploaded};
use super::{AddArgs, UpgradeArgs, ask, named_or_own};
use crate::command_error::{CommandError, CommandResult, ErrorKind};
use crate::context::{Context, program};
use crate::exit::ExitCode;
use crate::printer::{Printer, Tone, human, plain, plain_lines};

/// What a server is asked to be, besides what all are.
#[derive(Debug, Clone, Copy, Default)]
struct Wishes<'a> {
    http: Option<SocketAddr>,
    behind: &'a [Network],
    docker: bool,
}

/// How long the proxy may take to serve what it is told to.
const SERVES_WITHIN: Duration = Duration::from_secs(10);
const LOOK_EVERY: Duration = Duration::from_millis(300);

/// For nginx in front of an address, as the documentation has it.
const NGINX_VHOST: &str = include_str!("vhost.nginx");
const VHOST_ADDRESS: &str = "127.0.0.1:8080";

pub(super) async fn add(context: &Context, args: &AddArgs) -> CommandResult {
    let printer = &context.printer;
    let ssh = Ssh::to(&args.server)?;
    let facts = inspect(&ssh).await?;
    let port = args.http.map(|http| http.port());
    let findings = judge_here(&facts, port, args.binary.as_deref())?;
    printer.say(format!(
        "\n{}",
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
    let binary = binary(args.binary.as_ref())?;
    printer.say(intent(
        &facts,
        std::fs::metadata(&binary)?.len(),
        args.docker,
    ));
    if args.dry_run {
        printer.json(&json!({ "server": args.server, "findings": findings, "done": [] }));
        return Ok(ExitCode::Ok);
    }
    context.confirm(&format!("do this on {}?", args.server))?;
    let wishes = Wishes {
        http: args.http,
        behind: &args.behind,
        docker: args.docker,
    };
    let (parts, info) = install(context, &ssh, &facts, &binary, wishes).await?;
    printer.say(format!(
        "  deploy to it with this in landfall.toml, and `landfall deploy --env production`:\n\n\
         \u{20}   [environment.production]\n\u{20}   server = \"{}\"",
        args.server
    ));
    if let Some(http) = args.http.filter(|http| http.ip().is_loopback()) {
        printer.say(vhost(http));
    }
    printer.json(&json!({
        "server": args.server, "findings": findings, "done": parts, "agent": info,
    }));
    Ok(ExitCode::Ok)
}

/// What passes requests on to Landfall, for the web server that is there.
fn vhost(http: SocketAddr) -> String {
    let vhost = NGINX_VHOST.replace(VHOST_ADDRESS, &http.to_string());
    let lines = vhost.lines().map(|line| match line {
        "" => "\n".to_owned(),
        line => format!("    {line}\n"),
    });
    let lines: String = lines.collect();
    format!(
        "\n  requests come to it through the web server that is there; for nginx, in\n  \
         /etc/nginx/conf.d/NAME.conf, with your own host:\n\n{}",
        lines.trim_end()
    )
}

pub(super) async fn upgrade(context: &Context, args: &UpgradeArgs) -> CommandResult {
    let printer = &context.printer;
    let server = named_or_own(context, args.server.as_ref())?;
    let ssh = Ssh::to(&server)?;
    let facts = inspect(&ssh).await?;
    if facts.landfall.is_none() {
        let message = format!("Landfall is not installed on {server}");
        return Err(CommandError::new(ErrorKind::Refused, message)
            .hint(format!("`landfall server add {server}` installs it")));
    }
    let binary = binary(args.binary.as_ref())?;
    let (parts, info) = install(context, &ssh, &facts, &binary, Wishes::default()).await?;
    printer.json(&json!({ "server": server, "done": parts, "agent": info }));
    Ok(ExitCode::Ok)
}

fn binary(named: Option<&PathBuf>) -> CommandResult<PathBuf> {
    match named {
        Some(binary) => Ok(binary.clone()),
        None => program(),
    }
}

/// What the agent says once all is served that should be, which takes a moment after a change.
async fn serving(ssh: &Ssh) -> CommandResult<AgentInfo> {
    let deadline = Instant::now() + SERVES_WITHIN;
    loop {
        let info = ask(ssh).await?;
        match not_served(&info) {
            None => return Ok(info),
            Some(_) if Instant::now() < deadline => tokio::time::sleep(LOOK_EVERY).await,
            Some(what) => {
                let message = format!("agent and proxy run on {ssh}, but {what}");
                return Err(CommandError::new(ErrorKind::Refused, message)
                    .hint("give another address with `--http`"));
            }
        }
    }
}

/// Puts a binary and all around it in place; what was done, and what the agent says then.
async fn install(
    context: &Context,
    ssh: &Ssh,
    facts: &Facts,
    binary: &Path,
    wishes: Wishes<'_>,
) -> CommandResult<(Vec<Part>, AgentInfo)> {
    let printer = &context.printer;
    let root = Root::on(context, ssh, facts)?;
    let content = std::fs::read(binary).map_err(|error| {
        CommandError::from(error).during(format!("failed to read {}", binary.display()))
    })?;
    // The same one is not brought again.
    let own = path_of(env!("CARGO_PKG_VERSION"), &content);
    let parts = if facts.installed.as_ref() == Some(&own) {
        let version = env!("CARGO_PKG_VERSION");
        set_up(printer, ssh, &root, INSTALLED, version, facts, wishes).await?
    } else {
        let size = human::bytes(content.len() as u64);
        printer.note(format!("bringing the binary to {ssh}: {size}"));
        let uploaded = Uploaded::bring(ssh, binary).await?;
        let (program, version) = (uploaded.program(), &uploaded.version);
        let parts = set_up(printer, ssh, &root, &program, version, facts, wishes).await;
        uploaded.remove(ssh).await?;
        parts?
    };
    let info = serving(ssh).await?;
    let mark = printer.paint().tone(Tone::Good, "✓");
    let serves: Vec<String> = info.http.iter().map(ToString::to_string).collect();
    printer.say(format!(
        "\n{mark} {ssh} is ready: version {}, HTTP at {}",
        info.version,
        serves.join(", ")
    ));
    Ok((parts, info))
}

fn intent(facts: &Facts, size: u64, docker: bool) -> String {
    let docker = match docker && facts.docker.is_none() {
        true => "  Docker, from the packages of its distribution\n",
        false => "",
    };
    let verb = match facts.landfall {
        Some(_) => "puts right what differs of",
        None => "puts in place",
    };
    format!(
        "\nThis {verb}:\n\
         \u{20} the binary ({}) at /usr/local/bin/landfall\n\
         \u{20} the services landfall-agent (root: it starts apps as users of their own) and\n\
         \u{20}   landfall-proxy (a user of its own, which may do nothing but serve ports)\n\
         \u{20} /etc/landfall/agent.toml, and state in /var/lib/landfall\n\
         \u{20} the group landfall, whose members may deploy; {} becomes one\n\
         {docker}",
        human::bytes(size),
        facts.user
    )
}

async fn set_up(
    printer: &Printer,
    ssh: &Ssh,
    root: &Root,
    program: &str,
    version: &str,
    facts: &Facts,
    wishes: Wishes<'_>,
) -> CommandResult<Vec<Part>> {
    let http = wishes.http.map(|http| http.to_string());
    let behind: Vec<String> = wishes.behind.iter().map(ToString::to_string).collect();
    let mut words = vec![program, "server", "setup", "--json", "--program", program];
    words.extend(["--version", version, "--member", &facts.user]);
    if let Some(http) = &http {
        words.extend(["--http", http]);
    }
    if wishes.docker {
        words.push("--docker");
    }
    for network in &behind {
        words.extend(["--behind", network]);
    }
    let ran = root.run(ssh, &words).await?;
    let lines = ran.stdout.lines();
    let parts: Vec<Part> = lines
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
            let message = format!("{ssh} could not be made ready");
            Err(CommandError::new(ErrorKind::Refused, message)
                .rendered(plain_lines(ran.stderr.trim()))
                .hint("what is marked is done; put the rest right and run this again"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_vhost_is_that_of_the_documentation_with_the_address_in_place() {
        let page = include_str!("../../../../../docs/servers.md");
        assert!(page.contains(&format!("```nginx\n{NGINX_VHOST}```")));
        let told = vhost("127.0.0.1:9000".parse().expect("an address"));
        assert!(told.contains("        proxy_pass         http://127.0.0.1:9000;\n"));
        assert!(!told.contains(VHOST_ADDRESS));
    }
}
