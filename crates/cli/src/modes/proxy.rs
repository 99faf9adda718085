//! `landfall proxy`: the data plane, under a shim of Landfall's own. It takes its threads itself,
//! so nothing is started before it.

use std::error::Error;
use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;

use landfall_proxy::{Ended, ProxyOptions};

use super::logging;
use crate::exit;

const USAGE: &str = "usage: landfall proxy --control SOCKET --state DIR [--workers N] [--takeover]";

/// Runs the proxy until it is told to stop or a successor has taken over.
pub fn run() -> ExitCode {
    logging::init();
    let Some(options) = parse(std::env::args_os().skip(2)) else {
        tracing::error!("{USAGE}");
        return ExitCode::from(2);
    };
    match landfall_proxy::run(options) {
        Ok(Ended::HandedOver) => ExitCode::SUCCESS,
        Ok(Ended::BySignal) => ExitCode::from(exit::ExitCode::Signalled.number()),
        Err(error) => {
            tracing::error!(cause = chain(&error), "the proxy ended");
            ExitCode::FAILURE
        }
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
