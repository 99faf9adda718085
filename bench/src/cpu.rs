//! Processor time, as the kernel counts it. Robust against other work on the machine: a process
//! that waits for its turn uses none.

use std::fs;
use std::time::{Duration, Instant};

/// Kernel ticks per second in `/proc`; fixed for user space on Linux.
const TICKS: f64 = 100.0;

/// Processor time that a process has used, all its threads together.
pub fn of_process(pid: u32) -> Duration {
    // Threads' own accounts are in nanoseconds; ends of threads do not matter for servers.
    let tasks = fs::read_dir(format!("/proc/{pid}/task"));
    let nanos = tasks.into_iter().flatten().flatten().filter_map(|task| {
        let stat = fs::read_to_string(task.path().join("schedstat")).ok()?;
        stat.split(' ').next()?.parse::<u64>().ok()
    });
    Duration::from_nanos(nanos.sum())
}

/// Processor time of several processes.
pub fn of_processes(pids: &[u32]) -> Duration {
    pids.iter().map(|pid| of_process(*pid)).sum()
}

/// Processor time of this process's children that have ended.
pub fn of_ended_children() -> Duration {
    let stat = fs::read_to_string("/proc/self/stat").unwrap_or_default();
    // After the name, which may hold anything: fields 16 and 17 are cutime and cstime.
    let fields = stat.rsplit_once(") ").map_or("", |(_, fields)| fields);
    let ticks: u64 = fields
        .split(' ')
        .skip(13)
        .take(2)
        .filter_map(|field| field.parse::<u64>().ok())
        .sum();
    Duration::from_secs_f64(ticks as f64 / TICKS)
}

/// What the cores were busy with, from a beginning on.
#[derive(Debug)]
pub struct Watch {
    began: Instant,
    busy: Duration,
}

impl Watch {
    /// From now on.
    pub fn start() -> Self {
        Self {
            began: Instant::now(),
            busy: busy(),
        }
    }

    /// The share of all cores that others used since, when `ours` is what we used.
    pub fn foreign(&self, ours: Duration) -> f64 {
        let all = self.began.elapsed().as_secs_f64() * crate::machine::cores() as f64;
        let busy = busy().saturating_sub(self.busy);
        busy.saturating_sub(ours).as_secs_f64() / all
    }
}

/// Time that all cores have been busy, time stolen by the host of a virtual machine included.
fn busy() -> Duration {
    let stat = fs::read_to_string("/proc/stat").unwrap_or_default();
    let line = stat.lines().next().unwrap_or_default();
    let fields = line.split_ascii_whitespace().skip(1);
    let ticks: Vec<u64> = fields.filter_map(|field| field.parse().ok()).collect();
    // user nice system idle iowait irq softirq steal
    let busy = [0, 1, 2, 5, 6, 7].map(|index| ticks.get(index).copied().unwrap_or(0));
    Duration::from_secs_f64(busy.iter().sum::<u64>() as f64 / TICKS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_shows_on_the_account_of_the_process_that_did_it() {
        let before = of_process(std::process::id());
        let until = Instant::now() + Duration::from_secs(60);
        while of_process(std::process::id()) < before + Duration::from_millis(5) {
            assert!(Instant::now() < until, "no time was counted");
        }
    }
}
