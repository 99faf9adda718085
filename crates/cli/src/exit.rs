//! Exit codes of the `landfall` binary. They are part of its interface: documented here, shown by
//! `landfall help exit-codes`, never renumbered.

/// What an exit of the binary says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum ExitCode {
    /// What was asked for is done, or there was nothing to do.
    Ok = 0,
    /// Something unexpected: a defect of Landfall or of the machine.
    Unexpected = 1,
    /// The command line, `landfall.toml` or a Compose file is wrong.
    Usage = 2,
    /// The deployment was stopped before any user met the new release.
    Stopped = 3,
    /// Users met the new release and were brought back to the old one.
    RolledBack = 4,
    /// The request contradicts the state of the environment, or the key does not allow it; nothing
    /// was done.
    Refused = 5,
    /// The agent cannot be reached or started.
    Unreachable = 6,
    /// The command let go of a deployment that goes on.
    Detached = 7,
    /// The task ran and failed.
    TaskFailed = 8,
    /// The demo saw something else than it expects.
    DemoFailed = 9,
    /// An agent or a proxy ended because a signal asked it to: 128 and the number of SIGTERM, as
    /// shells have it. Their shim starts them again, unless it was the one that asked.
    Signalled = 143,
}

/// Every code with its meaning, in order.
pub const ALL: [(ExitCode, &str); 11] = [
    (ExitCode::Ok, "done, or there was nothing to do"),
    (
        ExitCode::Unexpected,
        "something unexpected: a defect of Landfall or of the machine",
    ),
    (
        ExitCode::Usage,
        "the command line, landfall.toml or a Compose file is wrong",
    ),
    (
        ExitCode::Stopped,
        "the deployment was stopped before any user met the new release",
    ),
    (
        ExitCode::RolledBack,
        "users met the new release and were brought back to the old one",
    ),
    (
        ExitCode::Refused,
        "the request contradicts the state of the environment, or is not allowed; nothing was done",
    ),
    (
        ExitCode::Unreachable,
        "the agent cannot be reached or started",
    ),
    (
        ExitCode::Detached,
        "the command let go of a deployment that goes on",
    ),
    (ExitCode::TaskFailed, "the task ran and failed"),
    (
        ExitCode::DemoFailed,
        "the demo saw something else than it expects",
    ),
    (
        ExitCode::Signalled,
        "a signal ended an agent or a proxy that was run in the foreground",
    ),
];

impl ExitCode {
    /// The number.
    pub fn number(self) -> u8 {
        self as u8
    }
}

/// The text of `landfall help exit-codes`.
pub fn table() -> String {
    let lines = ALL
        .iter()
        .map(|(code, meaning)| format!("  {:>3}  {meaning}\n", code.number()));
    format!("Exit codes:\n{}", lines.collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_is_listed_once_in_order() {
        let numbers: Vec<u8> = ALL.iter().map(|(code, _)| code.number()).collect();
        assert_eq!(numbers[..10], [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
        assert_eq!(numbers[10..], [143]);
    }
}
