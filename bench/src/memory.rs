//! Memory of processes.

use std::fs;
use std::ops::AddAssign;

/// Memory in KiB.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Memory {
    /// Pages that no other process maps.
    pub private: u64,
    /// Those, and this process's part of pages that are shared.
    pub pss: u64,
    /// All pages, shared ones in full.
    pub rss: u64,
}

impl AddAssign for Memory {
    fn add_assign(&mut self, other: Self) {
        self.private += other.private;
        self.pss += other.pss;
        self.rss += other.rss;
    }
}

impl Memory {
    /// Of a process; nothing when it is gone or another user's.
    pub fn of(pid: u32) -> Self {
        let rollup = fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).unwrap_or_default();
        Self::parse(&rollup)
    }

    /// Of several together.
    pub fn of_all(pids: impl IntoIterator<Item = u32>) -> Self {
        let mut all = Self::default();
        pids.into_iter().for_each(|pid| all += Self::of(pid));
        all
    }

    /// Private memory in MiB.
    pub fn private_mib(&self) -> f64 {
        self.private as f64 / 1024.0
    }

    /// Proportional memory in MiB.
    pub fn pss_mib(&self) -> f64 {
        self.pss as f64 / 1024.0
    }

    fn parse(rollup: &str) -> Self {
        let of = |name: &str| -> u64 {
            let line = rollup.lines().find_map(|line| line.strip_prefix(name));
            let value = line.and_then(|rest| rest.split_ascii_whitespace().next());
            value.and_then(|kib| kib.parse().ok()).unwrap_or(0)
        };
        Self {
            private: of("Private_Clean:") + of("Private_Dirty:"),
            pss: of("Pss:"),
            rss: of("Rss:"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_read_as_the_kernel_writes_it() {
        let rollup = "Rss:  900 kB\nPss:  500 kB\nPss_Dirty: 1 kB\nPrivate_Clean:  100 kB\nPrivate_Dirty: 20 kB\n";
        let memory = Memory::parse(rollup);
        let expected = Memory {
            private: 120,
            pss: 500,
            rss: 900,
        };
        assert_eq!(memory, expected);
    }
}
