//! What kills the process that reads it.

use std::io::{self, Read};
use std::process::Command;

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
