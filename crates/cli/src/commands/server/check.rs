//! `landfall server check`.

use landfall_agent::api::types::AgentInfo;
use landfall_server::checks::{Finding, Level, Wanted, judge};
use landfall_server::{Facts, Ssh, inspect};
use serde_json::json;

use super::{CheckArgs, ask, named_or_own};
use crate::command_error::{CommandError, CommandResult};
use crate::context::{Context, program};
use crate::exit::ExitCode;
use crate::printer::{Paint, Tone, plain, text};

/// Columns of the name of a check.
const NAME_WIDTH: usize = 9;

pub(super) async fn check(context: &Context, args: &CheckArgs) -> CommandResult {
    let printer = &context.printer;
    let address = named_or_own(context, args.server.as_ref())?;
    let ssh = Ssh::to(&address)?;
    let facts = inspect(&ssh).await?;
    let agent = match facts.landfall {
        Some(_) => Some(ask(&ssh).await),
        None => None,
    };
    let port = agent
        .iter()
        .flatten()
        .flat_map(|info| &info.http)
        .map(|http| http.port())
        .next();
    let mut findings = judge_here(&facts, port, None)?;
    findings.push(installed(&facts, agent.as_ref()));
    printer.show(table(&findings, printer.paint(), printer.width()));
    printer.json(&json!({ "server": address, "findings": findings, "facts": facts }));
    Ok(match worst(&findings) {
        Level::Refusal => ExitCode::Refused,
        _ => ExitCode::Ok,
    })
}

/// Judges a server for a binary, this one where none is named.
///
/// # Errors
/// When the binary cannot be read.
pub(super) fn judge_here(
    facts: &Facts,
    port: Option<u16>,
    binary: Option<&std::path::Path>,
) -> CommandResult<Vec<Finding>> {
    let own = program()?;
    let measured = binary.unwrap_or(&own);
    let size = std::fs::metadata(measured).map_err(|error| {
        CommandError::from(error).during(format!("failed to read {}", measured.display()))
    })?;
    let size = size.len();
    let port = port.or_else(|| Some(facts.http?.port()));
    let wanted = Wanted {
        // What another binary is for, it tells by running there.
        machine: match binary {
            Some(_) => &facts.machine,
            None => std::env::consts::ARCH,
        },
        binary: size,
        port: port.unwrap_or(80),
    };
    Ok(judge(facts, wanted))
}

/// The worst of them.
pub(super) fn worst(findings: &[Finding]) -> Level {
    findings
        .iter()
        .map(|finding| finding.level)
        .max()
        .unwrap_or(Level::Good)
}

fn installed(facts: &Facts, agent: Option<&CommandResult<AgentInfo>>) -> Finding {
    let finding = |level, said: String, fix: Option<&str>| Finding {
        check: "landfall",
        level,
        said,
        fix: fix.map(str::to_owned),
    };
    let add = "`landfall server add` puts it right";
    match agent {
        None => finding(
            Level::Warning,
            "not installed".into(),
            Some("`landfall server add` installs it"),
        ),
        Some(Err(error)) => finding(Level::Refusal, error.message().to_owned(), Some(add)),
        Some(Ok(info)) => {
            if let Some(said) = not_served(info) {
                return finding(Level::Refusal, said, Some(add));
            }
            let own = env!("CARGO_PKG_VERSION");
            let said = format!("version {}; agent and proxy answer", info.version);
            match facts.units.iter().find(|(_, state)| state != "active") {
                Some((unit, state)) => {
                    let said = format!("the {unit} is not kept by systemd: {state}");
                    finding(Level::Warning, said, Some(add))
                }
                None if info.version != own => finding(
                    Level::Warning,
                    said,
                    Some("`landfall server add` brings this version"),
                ),
                None => finding(Level::Good, said, None),
            }
        }
    }
}

/// What of the traffic is not served as it is configured.
pub(super) fn not_served(info: &AgentInfo) -> Option<String> {
    let Some(proxy) = &info.proxy else {
        return Some("the proxy does not answer".to_owned());
    };
    let missing = info.http.iter().find(|http| !proxy.http.contains(http))?;
    Some(format!(
        "the proxy cannot listen at {missing}: is that an address of the server?"
    ))
}

/// Findings, for a person.
pub(super) fn table(findings: &[Finding], paint: Paint, width: usize) -> String {
    let line = |finding: &Finding| {
        let (tone, mark) = match finding.level {
            Level::Good => (Tone::Good, "✓"),
            Level::Warning => (Tone::Warn, "!"),
            Level::Refusal => (Tone::Bad, "✗"),
        };
        let name = text::pad(finding.check, NAME_WIDTH);
        let lead = format!("  {} {name} ", paint.tone(tone, mark));
        let mut line = text::hang(&lead, NAME_WIDTH + 5, &plain(&finding.said), width);
        if let Some(fix) = &finding.fix {
            let lead = " ".repeat(NAME_WIDTH + 5);
            line.push('\n');
            let fix = text::hang(&lead, NAME_WIDTH + 5, fix, width);
            line.push_str(&paint.tone(Tone::Faint, &fix));
        }
        line
    };
    findings.iter().map(line).collect::<Vec<_>>().join("\n")
}
