//! The answer to a request for a file.

use std::fs::File;
use std::io::{self, Write};
use std::os::unix::fs::FileExt;

use super::conditions::{RangeAsked, matches_etag, parse_range};
use super::root::{Ask, Chosen};

/// Bytes that are read at once.
const CHUNK: usize = 64 * 1024;

/// Status, headers and body.
#[derive(Debug)]
pub(crate) struct Answer {
    /// The status.
    pub(crate) status: u16,
    headers: Vec<u8>,
    body: FileBody,
}

/// The bytes of an answer, one chunk after the other.
#[derive(Debug)]
pub(crate) struct FileBody {
    source: Source,
    buffer: Vec<u8>,
}

#[derive(Debug)]
enum Source {
    Text(&'static str),
    File { file: File, at: u64, end: u64 },
}

impl Answer {
    /// Writes the head without Connection and the blank line.
    pub(crate) fn write_head(&self, out: &mut Vec<u8>, date: &str) {
        let reason = crate::conn::reason(self.status);
        let _ = write!(out, "HTTP/1.1 {} {reason}\r\ndate: {date}\r\n", self.status);
        out.extend_from_slice(&self.headers);
    }

    /// The body.
    pub(crate) fn into_body(self) -> FileBody {
        self.body
    }

    pub(super) fn not_found() -> Self {
        Self::text(404, "Nothing is served at this address.\n", "")
    }

    pub(super) fn method_not_allowed() -> Self {
        let text = "Only GET and HEAD are answered here.\n";
        Self::text(405, text, "allow: GET, HEAD\r\n")
    }

    pub(super) fn failed() -> Self {
        Self::text(500, "The file could not be read.\n", "")
    }

    /// To the same path with a slash at its end, so that relative links of the page work. Slashes at
    /// the start are one, or the target could be another host.
    pub(super) fn redirect_to_directory(full_path: &[u8]) -> Self {
        let (path, query) = match memchr::memchr(b'?', full_path) {
            Some(query) => full_path.split_at(query),
            None => (full_path, &b""[..]),
        };
        let slashes = path.iter().take_while(|&&byte| byte == b'/').count();
        let mut answer = Self::text(308, "", "location: /");
        let value = [&path[slashes..], b"/", query, b"\r\n"].concat();
        answer.headers.extend_from_slice(&value);
        answer
    }

    fn text(status: u16, text: &'static str, header: &str) -> Self {
        let headers = format!(
            "content-type: text/plain; charset=utf-8\r\ncontent-length: {}\r\ncache-control: no-cache\r\n{header}",
            text.len()
        );
        Self {
            status,
            headers: headers.into_bytes(),
            body: FileBody::new(Source::Text(text)),
        }
    }

    pub(super) fn file(chosen: Chosen, ask: &Ask<'_>) -> io::Result<Self> {
        let length = chosen.opened.length;
        let mut headers = common_headers(&chosen);
        let is_current = ask
            .if_none_match
            .is_some_and(|tags| matches_etag(tags, &chosen.etag));
        if is_current {
            return Ok(Self {
                status: 304,
                headers,
                body: FileBody::new(Source::Text("")),
            });
        }
        let may_be_part = ask.if_range.is_none_or(|tag| tag == chosen.etag.as_bytes());
        let range = match ask.range.filter(|_| may_be_part) {
            Some(range) => parse_range(range, length),
            None => RangeAsked::Whole,
        };
        let (status, at, end) = match range {
            RangeAsked::Whole => (200, 0, length),
            RangeAsked::Part(at, end) => {
                let _ = write!(
                    headers,
                    "content-range: bytes {at}-{}/{length}\r\n",
                    end - 1
                );
                (206, at, end)
            }
            RangeAsked::Unsatisfiable => {
                let _ = write!(headers, "content-range: bytes */{length}\r\n");
                (416, 0, 0)
            }
        };
        let _ = write!(
            headers,
            "content-type: {}\r\ncontent-length: {}\r\naccept-ranges: bytes\r\n",
            chosen.content_type,
            end - at
        );
        let file = chosen.opened.file;
        Ok(Self {
            status,
            headers,
            body: FileBody::new(Source::File { file, at, end }),
        })
    }
}

/// What a 304 says as well.
fn common_headers(chosen: &Chosen) -> Vec<u8> {
    let mut headers = Vec::with_capacity(256);
    let cache = if chosen.is_immutable {
        "public, max-age=31536000, immutable"
    } else {
        "no-cache"
    };
    let _ = write!(
        headers,
        "etag: {}\r\ncache-control: {cache}\r\nx-content-type-options: nosniff\r\n",
        chosen.etag
    );
    if let Some(encoding) = chosen.encoding {
        let _ = write!(headers, "content-encoding: {encoding}\r\n");
    }
    if chosen.varies {
        headers.extend_from_slice(b"vary: accept-encoding\r\n");
    }
    headers
}

impl FileBody {
    fn new(source: Source) -> Self {
        Self {
            source,
            buffer: Vec::new(),
        }
    }

    /// The next bytes; `None` at the end.
    ///
    /// # Errors
    /// When the file cannot be read, or has become shorter.
    pub(crate) fn next(&mut self) -> io::Result<Option<&[u8]>> {
        match &mut self.source {
            Source::Text("") => Ok(None),
            Source::Text(text) => Ok(Some(std::mem::take(text).as_bytes())),
            Source::File { at, end, .. } if at == end => Ok(None),
            Source::File { file, at, end } => {
                let length = usize::try_from(*end - *at).unwrap_or(CHUNK).min(CHUNK);
                self.buffer.resize(length, 0);
                file.read_exact_at(&mut self.buffer, *at)?;
                *at += length as u64;
                Ok(Some(&self.buffer))
            }
        }
    }
}
