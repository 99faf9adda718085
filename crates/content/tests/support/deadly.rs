//! Processes that are killed in the middle of what they read.

use std::io::{self, Read};
use std::path::Path;
use std::process::{Command, Stdio};

use crate::support::CHILD;

/// Set in a child that kills itself: after so many bytes.
pub const KILL_AT: &str = "LANDFALL_TEST_KILL_AT";

/// A stream in the middle of which the process is killed.
pub struct Deadly<'a> {
    /// What is read.
    pub bytes: &'a [u8],
    /// How much of it, before the end.
    pub left: usize,
}

impl Read for Deadly<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.left == 0 {
            let own = std::process::id().to_string();
            Command::new("kill").args(["-KILL", &own]).status()?;
        }
        let most = buffer.len().min(self.left);
        let read = self.bytes.read(&mut buffer[..most])?;
        self.left -= read;
        Ok(read)
    }
}

/// Runs the test `name` again in `home`, where it kills itself after `at` bytes.
#[track_caller]
pub fn run_until_killed(name: &str, home: &Path, at: usize) {
    let ended = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", name])
        .env(CHILD, home)
        .env(KILL_AT, at.to_string())
        .stdout(Stdio::null())
        .status()
        .unwrap();
    assert!(ended.code().is_none(), "killed at {at}: {ended}");
}
