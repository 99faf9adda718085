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
    /// The command line or `landfall.toml` is wrong.
    Usage = 2,
    /// The deployment was stopped before any user met the new release.
    Stopped = 3,
    /// Users met the new release and were brought back to the old one.
    RolledBack = 4,
    /// The request contradicts the state of the environment; nothing was done.
    Refused = 5,
    /// The agent cannot be reached or started.
    Unreachable = 6,
    /// The command let go of a deployment that goes on.
    Detached = 7,
    /// The task ran and failed.
    TaskFailed = 8,
    /// The demo saw something else than it expects.
    DemoFailed = 9,
}

/// Every code with its meaning, in order.
pub const ALL: [(ExitCode, &str); 10] = [
    (ExitCode::Ok, "done, or there was nothing to do"),
    (
        ExitCode::Unexpected,
        "something unexpected: a defect of Landfall or of the machine",
    ),
    (
        ExitCode::Usage,
        "the command line or landfall.toml is wrong",
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
        "the request contradicts the state of the environment; nothing was done",
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
        .map(|(code, meaning)| format!("  {:>2}  {meaning}\n", code.number()));
    format!("Exit codes:\n{}", lines.collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_is_listed_under_its_own_number() {
        for (index, (code, _)) in ALL.iter().enumerate() {
            assert_eq!(usize::from(code.number()), index);
        }
    }
}
