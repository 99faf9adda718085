//! Load by wrk, and what it says about it.

use std::net::SocketAddr;

use anyhow::{Context, Result, ensure};

use super::cases::Case;
use super::other_cores;
use crate::process::on_cores;

/// How long each measurement takes, in seconds.
pub const SECONDS: u32 = 3;

/// What wrk saw.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Seen {
    /// Answers.
    pub requests: f64,
    /// Answers per second.
    pub per_second: f64,
    /// Half of the answers took less, in milliseconds.
    pub p50: f64,
    /// All but one in a hundred took less, in milliseconds.
    pub p99: f64,
    /// Connections that failed and answers that were no 2xx.
    pub errors: f64,
}

/// Loads an address.
///
/// # Errors
/// When wrk cannot be run or says nothing that is understood.
pub fn load(address: SocketAddr, case: &Case) -> Result<Seen> {
    let mut command = on_cores(&other_cores(), "wrk");
    command
        .args(["--threads", "1", "--latency", "--timeout", "10s"])
        .args(["--connections", &case.connections.to_string()])
        .args(["--duration", &format!("{SECONDS}s")]);
    if case.new_connections {
        command.args(["--header", "Connection: close"]);
    }
    command.arg(format!("http://{address}{}", case.path()));
    let output = command.output().context("failed to start wrk")?;
    ensure!(output.status.success(), "wrk ended with {}", output.status);
    let text = String::from_utf8_lossy(&output.stdout);
    parse(&text).with_context(|| format!("failed to understand wrk:\n{text}"))
}

fn parse(text: &str) -> Option<Seen> {
    let after = |name: &str| {
        let line = text.lines().find_map(|line| line.trim().strip_prefix(name));
        line.map(str::trim)
    };
    let requests = text.lines().find(|line| line.contains(" requests in "))?;
    let statuses = after("Non-2xx or 3xx responses:").and_then(|count| count.parse().ok());
    let sockets = after("Socket errors:").unwrap_or_default();
    let sockets: f64 = sockets
        .split([' ', ','])
        .filter_map(|word| word.parse::<f64>().ok())
        .sum();
    Some(Seen {
        requests: requests.split_ascii_whitespace().next()?.parse().ok()?,
        per_second: after("Requests/sec:")?.parse().ok()?,
        p50: milliseconds(after("50%")?)?,
        p99: milliseconds(after("99%")?)?,
        errors: statuses.unwrap_or(0.0) + sockets,
    })
}

fn milliseconds(text: &str) -> Option<f64> {
    let digits = text.trim_end_matches(char::is_alphabetic);
    let value: f64 = digits.parse().ok()?;
    match &text[digits.len()..] {
        "us" => Some(value / 1000.0),
        "ms" => Some(value),
        "s" => Some(value * 1000.0),
        "m" => Some(value * 60_000.0),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_wrk_prints_is_understood() {
        let text = "  Thread Stats   Avg      Stdev     Max   +/- Stdev\n    Latency   810.00us  1ms 9ms 90%\n  \
                    Latency Distribution\n     50%  810.00us\n     99%    1.31ms\n  178000 requests in 3.00s, 210MB read\n  \
                    Socket errors: connect 0, read 2, write 0, timeout 1\nRequests/sec:  59333.1\n";
        let expected = Seen {
            requests: 178_000.0,
            per_second: 59_333.1,
            p50: 0.81,
            p99: 1.31,
            errors: 3.0,
        };
        assert_eq!(parse(text), Some(expected));
    }
}
