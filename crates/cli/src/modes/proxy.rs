//! `landfall proxy`: the data plane, under a shim of Landfall's own. It takes its threads itself,
//! so nothing is started before it.

use std::error::Error;
use std::ffi::OsString;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use landfall_agent::ports::{ProxyClient, ProxyControl};

use landfall_proxy::{Ended, ProxyOptions};

use super::logging;
use crate::exit;

const USAGE: &str =
    "usage: landfall proxy --control SOCKET --state DIR [--workers N] [--takeover] [--background]";
/// Makes this process end when another, started by it, serves.
const BACKGROUND: &str = "--background";
/// How long that may take.
const SERVES_WITHIN: Duration = Duration::from_secs(30);
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// Runs the proxy until it is told to stop or a successor has taken over.
pub fn run() -> ExitCode {
    logging::init();
    let (background, args): (Vec<_>, Vec<_>) = std::env::args_os()
        .skip(2)
        .partition(|arg| arg == BACKGROUND);
    let Some(options) = parse(args.iter().cloned()) else {
        tracing::error!("{USAGE}");
        return ExitCode::from(2);
    };
    if !background.is_empty() {
        return match run_in_background(&args, &options.control) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                tracing::error!(cause = chain(&*error), "the successor does not serve");
                ExitCode::FAILURE
            }
        };
    }
    match landfall_proxy::run(options) {
        Ok(Ended::HandedOver) => ExitCode::SUCCESS,
        Ok(Ended::BySignal) => ExitCode::from(exit::ExitCode::Signalled.number()),
        Err(error) => {
            tracing::error!(cause = chain(&error), "the proxy ended");
            ExitCode::FAILURE
        }
    }
}

/// Starts another proxy and waits until it is the one that serves.
fn run_in_background(args: &[OsString], control: &Path) -> Result<(), Box<dyn Error>> {
    let mut successor = Command::new(std::env::current_exe()?)
        .arg("proxy")
        .args(args)
        .stdin(Stdio::null())
        .process_group(0)
        .spawn()?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let client = ProxyClient::new(control.to_owned());
    let deadline = Instant::now() + SERVES_WITHIN;
    loop {
        let serving = runtime.block_on(client.status());
        if serving.is_ok_and(|status| status.pid == successor.id()) {
            return Ok(());
        }
        if let Some(status) = successor.try_wait()? {
            return Err(format!("it ended with {status}").into());
        }
        if Instant::now() > deadline {
            successor.kill()?;
            return Err(format!("not within {} s", SERVES_WITHIN.as_secs()).into());
        }
        std::thread::park_timeout(LOOK_EVERY);
    }
}

fn parse(mut args: impl Iterator<Item = OsString>) -> Option<ProxyOptions> {
    let (mut control, mut state_dir, mut workers, mut takeover) = (None, None, None, false);
    while let Some(arg) = args.next() {
        match arg.to_str()? {
            "--control" => control = Some(PathBuf::from(args.next()?)),
            "--state" => state_dir = Some(PathBuf::from(args.next()?)),
            "--workers" => workers = Some(args.next()?.to_str()?.parse().ok()?),
            "--takeover" => takeover = true,
            _ => return None,
        }
    }
    let mut options = ProxyOptions::new(control?, state_dir?);
    options.workers = workers;
    options.takeover = takeover;
    Some(options)
}

fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(&format!(": {cause}"));
        source = cause.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_are_understood_or_refused_whole() {
        let parse = |line: &str| parse(line.split(' ').map(OsString::from));
        let options = parse("--control /s/p.sock --state /s/proxy --workers 2 --takeover");
        let options = options.expect("these are good");
        assert_eq!((options.workers, options.takeover), (Some(2), true));
        for bad in [
            "",
            "--control /s",
            "--control /s --state /d --what",
            "--state",
        ] {
            assert!(parse(bad).is_none(), "{bad:?} was accepted");
        }
    }
}
