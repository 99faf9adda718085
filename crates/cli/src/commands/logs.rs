//! `landfall logs`.

use std::time::{Duration, Instant};

use clap::Args;
use jiff::{SignedDuration, Timestamp};
use landfall_agent::api::types::LogEntry;
use landfall_model::{ReleaseNumber, ServiceName};
use landfall_runtime::Stream;

use super::target::{client_to_look, known, say_never_deployed};
use crate::client::{Client, ClientError, JsonLines, Query};
use crate::command_error::CommandResult;
use crate::context::Context;
use crate::exit::ExitCode;
use crate::printer::{self, Printer, Tone};
use crate::project::Project;

/// Lines shown where nobody says how many.
const DEFAULT_TAIL: usize = 100;
/// How long an agent that is gone may take to come back while its logs are followed.
const BACK_WITHIN: Duration = Duration::from_secs(60);

/// Show what the app writes to stdout and stderr
///
/// Lines of all instances in the order of their time, kept across restarts and releases. The last
/// 100 unless you say which: with --since or --grep, all that match.
///
/// Examples:
///   landfall logs -f                    everything, as it is written
///   landfall logs web --tail 500
///   landfall logs --since 10m --grep 'timeout|refused'
///   landfall logs --release 3           why release 3 did not make it
///   landfall logs --json | jq -r .text  one JSON object a line
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub struct LogsArgs {
    /// Only this service
    #[arg(value_name = "SERVICE")]
    pub service: Option<ServiceName>,
    /// Go on with every new line
    #[arg(long, short)]
    pub follow: bool,
    /// Only the last lines
    #[arg(long, short = 'n', value_name = "LINES")]
    pub tail: Option<usize>,
    /// Only from then on: a time as in 2026-11-20T12:00:00Z, or how long ago as in 10m or 2h
    #[arg(long, value_name = "TIME", value_parser = parse_since)]
    pub since: Option<Timestamp>,
    /// Only lines that match this regular expression
    #[arg(long, short, value_name = "PATTERN")]
    pub grep: Option<String>,
    /// Only lines of this release
    #[arg(long, value_name = "RELEASE")]
    pub release: Option<ReleaseNumber>,
}

fn parse_since(text: &str) -> Result<Timestamp, String> {
    if let Ok(time) = text.parse::<Timestamp>() {
        return Ok(time);
    }
    let wrong = "neither a time as in 2026-11-20T12:00:00Z nor a length of time as in 10m or 2h";
    let ago: SignedDuration = text.parse().map_err(|_| wrong.to_owned())?;
    let ago = ago.abs();
    Timestamp::now()
        .checked_sub(ago)
        .map_err(|_| wrong.to_owned())
}

/// Shows logs.
///
/// # Errors
/// When a pattern is wrong, or the agent cannot be reached.
pub async fn cmd_logs(context: &Context, args: &LogsArgs) -> CommandResult {
    let project = context.project()?;
    let Some(client) = client_to_look(context).await? else {
        say_never_deployed(context, &project);
        return Ok(ExitCode::Ok);
    };
    let limited = args.since.is_some() || args.grep.is_some();
    let tail = args.tail.or((!limited).then_some(DEFAULT_TAIL));
    let path = |tail: Option<usize>, since: Option<Timestamp>| path(&project, args, tail, since);
    let first = client.lines::<LogEntry>(&path(tail, args.since)).await;
    let Some(mut lines) = known(first)? else {
        say_never_deployed(context, &project);
        return Ok(ExitCode::Ok);
    };
    let mut last = None;
    loop {
        match show(&context.printer, &mut lines, &mut last).await {
            Err(error) if args.follow && error.is_transient() => {
                context
                    .printer
                    .note("the agent is gone; waiting until it is back");
                let since = last
                    .and_then(|at: Timestamp| at.checked_add(SignedDuration::from_nanos(1)).ok());
                lines = reopen(&client, &path(None, since.or(args.since))).await?;
            }
            ended => {
                ended?;
                return Ok(ExitCode::Ok);
            }
        }
    }
}

fn path(
    project: &Project,
    args: &LogsArgs,
    tail: Option<usize>,
    since: Option<Timestamp>,
) -> String {
    Query::new(project.api("/logs"))
        .with("service", args.service.as_ref())
        .with("release", args.release)
        .with("tail", tail)
        .with("since", since)
        .with("follow", args.follow.then_some(true))
        .with("grep", args.grep.as_ref())
        .build()
}

async fn reopen(client: &Client, path: &str) -> Result<JsonLines<LogEntry>, ClientError> {
    let gone_since = Instant::now();
    loop {
        match client.lines(path).await {
            Err(error) if error.is_transient() && gone_since.elapsed() < BACK_WITHIN => {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
            answer => return answer,
        }
    }
}

/// Shows lines until there are no more, or nobody reads them.
async fn show(
    printer: &Printer,
    lines: &mut JsonLines<LogEntry>,
    last: &mut Option<Timestamp>,
) -> Result<(), ClientError> {
    while let Some(entry) = lines.next().await? {
        printer.json_line(&entry);
        printer.show(render(printer, &entry));
        *last = Some(entry.line.at);
        if printer.is_broken() {
            break;
        }
    }
    Ok(())
}

fn render(printer: &Printer, entry: &LogEntry) -> String {
    let paint = printer.paint();
    let time = match printer.is_live() {
        true => local_time(entry.line.at),
        false => entry.line.at.to_string(),
    };
    let text = match paint.is_on() {
        true => printer::keep_colours(&entry.line.text),
        false => printer::plain(&entry.line.text),
    };
    let (mark, text) = match entry.line.stream {
        Stream::Stdout => (" ", text),
        Stream::Stderr => ("!", text),
        Stream::Landfall => ("»", paint.tone(Tone::Warn, &text)),
    };
    format!(
        "{} {}{} {text}",
        paint.tone(Tone::Faint, &time),
        paint.tone(Tone::Accent, entry.instance.as_str()),
        paint.tone(Tone::Faint, mark),
    )
}

fn local_time(at: Timestamp) -> String {
    at.to_zoned(jiff::tz::TimeZone::system())
        .strftime("%H:%M:%S%.3f")
        .to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn since_takes_a_time_or_how_long_ago() {
        let time = parse_since("2026-11-20T12:00:00Z").unwrap();
        assert_eq!(time.to_string(), "2026-11-20T12:00:00Z");
        for ago in ["10m", "2h", "1h 30m", "45s"] {
            assert!(parse_since(ago).unwrap() < Timestamp::now(), "{ago}");
        }
        for bad in ["yesterday", "", "10", "m"] {
            assert!(parse_since(bad).is_err(), "{bad:?} was accepted");
        }
    }
}
