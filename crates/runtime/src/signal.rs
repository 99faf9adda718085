//! Signals by name.

/// Names as in signal(7), without their `SIG`.
const NAMES: &[(&str, i32)] = &[
    ("HUP", libc::SIGHUP),
    ("INT", libc::SIGINT),
    ("QUIT", libc::SIGQUIT),
    ("ABRT", libc::SIGABRT),
    ("KILL", libc::SIGKILL),
    ("USR1", libc::SIGUSR1),
    ("USR2", libc::SIGUSR2),
    ("ALRM", libc::SIGALRM),
    ("TERM", libc::SIGTERM),
    ("CONT", libc::SIGCONT),
    ("WINCH", libc::SIGWINCH),
    ("PWR", libc::SIGPWR),
];

/// The number of a signal that may ask a process to stop: `SIGTERM`, `TERM` or `15`.
pub(crate) fn by_name(name: &str) -> Option<i32> {
    if let Ok(number) = name.parse::<i32>() {
        return (1..=64).contains(&number).then_some(number);
    }
    let upper = name.to_ascii_uppercase();
    let bare = upper.strip_prefix("SIG").unwrap_or(&upper);
    NAMES
        .iter()
        .find(|(known, _)| *known == bare)
        .map(|&(_, number)| number)
}

/// Whether a process gets this signal from its own doing rather than from someone else.
pub(crate) fn is_own_fault(signal: i32) -> bool {
    matches!(
        signal,
        libc::SIGSEGV
            | libc::SIGABRT
            | libc::SIGBUS
            | libc::SIGFPE
            | libc::SIGILL
            | libc::SIGTRAP
            | libc::SIGSYS
            | libc::SIGPIPE
            | libc::SIGALRM
            | libc::SIGXCPU
            | libc::SIGXFSZ
    )
}

#[cfg(test)]
mod tests {
    use super::by_name;

    #[test]
    fn signals_are_known_with_and_without_prefix_and_by_number() {
        assert_eq!(by_name("SIGTERM"), Some(15));
        assert_eq!(by_name("quit"), Some(3));
        assert_eq!(by_name("9"), Some(9));
        assert_eq!(by_name("SIGNONE"), None);
        assert_eq!(by_name("0"), None);
        assert_eq!(by_name(""), None);
    }
}
