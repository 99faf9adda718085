//! Finds the end of a head in bytes that arrive in any pieces, looking at each byte once.

use super::Reject;
use super::chars::TOKEN;

/// How large a head may be.
#[derive(Debug, Clone, Copy)]
pub struct HeadLimits {
    /// Bytes of the whole head, blank line included.
    pub bytes: usize,
    /// Header lines.
    pub fields: usize,
}

/// Where the search for the end of a head stands. One per head.
#[derive(Debug, Clone, Copy, Default)]
pub struct HeadScanner {
    scanned: usize,
    line_start: usize,
    lines: usize,
}

impl HeadScanner {
    /// Looks for the end of the head in `bytes`, which must start with what earlier calls saw.
    /// Returns the length of the head, its blank line included, or `None` to be called again with
    /// more bytes.
    ///
    /// # Errors
    /// As soon as it is sure that the head will be refused, so that a sender is not waited for in
    /// vain.
    pub fn scan(&mut self, bytes: &[u8], limits: HeadLimits) -> Result<Option<usize>, Reject> {
        if bytes.first().is_some_and(|&byte| TOKEN[byte as usize] == 0) {
            return Err(Reject::NotHttp);
        }
        while let Some(offset) = memchr::memchr(b'\n', &bytes[self.scanned..]) {
            let line_feed = self.scanned + offset;
            if line_feed == 0 || bytes[line_feed - 1] != b'\r' {
                return Err(Reject::BareLineFeed);
            }
            let is_blank = line_feed - 1 == self.line_start;
            self.scanned = line_feed + 1;
            self.line_start = self.scanned;
            if is_blank {
                return self.end(limits);
            }
            self.lines += 1;
            if self.lines > limits.fields + 1 {
                return Err(Reject::HeadTooLarge);
            }
        }
        self.scanned = bytes.len();
        if bytes.len() >= limits.bytes {
            return Err(Reject::HeadTooLarge);
        }
        Ok(None)
    }

    fn end(&self, limits: HeadLimits) -> Result<Option<usize>, Reject> {
        if self.scanned > limits.bytes {
            return Err(Reject::HeadTooLarge);
        }
        Ok(Some(self.scanned))
    }
}
