//! Processes as `/proc` tells of them: who is whose child, in which session, since when.

/// The fields of `/proc/PID/stat` that tell processes apart and relate them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ProcStat {
    pub pid: u32,
    /// State letter: `R`, `S`, `Z`, …
    pub state: u8,
    pub parent: u32,
    pub session: u32,
    /// Clock ticks from boot to its start.
    pub start: u64,
}

impl ProcStat {
    /// Whether it has ended and only waits to be reaped.
    pub fn is_dead(&self) -> bool {
        matches!(self.state, b'Z' | b'X' | b'x')
    }
}

/// The process with this id, if there is one.
pub(crate) fn stat(pid: u32) -> Option<ProcStat> {
    parse_stat(&std::fs::read(format!("/proc/{pid}/stat")).ok()?)
}

/// Every process that can be seen, the dead ones left out.
pub(crate) fn all() -> Vec<ProcStat> {
    let Ok(entries) = std::fs::read_dir("/proc") else {
        return Vec::new();
    };
    entries
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
        .filter_map(stat)
        .filter(|process| !process.is_dead())
        .collect()
}

/// All processes below those that `is_root` names, which are left out themselves.
pub(crate) fn descendants(all: &[ProcStat], is_root: impl Fn(&ProcStat) -> bool) -> Vec<ProcStat> {
    let mut parents: Vec<u32> = all.iter().filter(|p| is_root(p)).map(|p| p.pid).collect();
    let mut found: Vec<ProcStat> = Vec::new();
    while let Some(parent) = parents.pop() {
        for child in all.iter().filter(|p| p.parent == parent && !is_root(p)) {
            if !found.contains(child) {
                found.push(*child);
                parents.push(child.pid);
            }
        }
    }
    found
}

fn parse_stat(bytes: &[u8]) -> Option<ProcStat> {
    // The name is in parentheses and may itself hold parentheses, spaces and newlines.
    let name_end = bytes.iter().rposition(|&byte| byte == b')')?;
    let pid_end = bytes.iter().position(|&byte| byte == b' ')?;
    let rest = std::str::from_utf8(bytes.get(name_end + 2..)?).ok()?;
    let mut fields = rest.split_ascii_whitespace();
    let state = *fields.next()?.as_bytes().first()?;
    let parent = fields.next()?.parse().ok()?;
    let session = fields.nth(1)?.parse().ok()?;
    // `starttime` is field 22; `session` was field 6.
    let start = fields.nth(15)?.parse().ok()?;
    Some(ProcStat {
        pid: std::str::from_utf8(&bytes[..pid_end]).ok()?.parse().ok()?,
        state,
        parent,
        session,
        start,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_parentheses_and_spaces_does_not_confuse_the_fields() {
        let line = b"42 (a) b (c\n) S 7 41 40 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 9876 1 1";
        assert_eq!(
            parse_stat(line),
            Some(ProcStat {
                pid: 42,
                state: b'S',
                parent: 7,
                session: 40,
                start: 9876
            })
        );
    }

    #[test]
    fn this_process_is_found_among_all_and_below_its_parent() {
        let own = std::process::id();
        let all = all();
        let me = all.iter().find(|p| p.pid == own).expect("own process");
        assert!(
            descendants(&all, |p| p.pid == me.parent)
                .iter()
                .any(|p| p.pid == own)
        );
    }

    #[test]
    fn junk_is_no_process() {
        for junk in [
            "",
            ")",
            "1 (x)",
            "1 (x) S",
            "x (x) S 1 1 1 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 1",
        ] {
            assert_eq!(parse_stat(junk.as_bytes()), None, "{junk:?}");
        }
    }
}
