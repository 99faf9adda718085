//! Bodies that are read line by line.

use std::marker::PhantomData;

use bytes::{Buf, BytesMut};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use serde::de::DeserializeOwned;

use super::{ClientError, decode};

/// The lines of a body, as they come.
pub(super) struct Lines {
    path: String,
    body: Incoming,
    buffer: BytesMut,
    ended: bool,
}

impl Lines {
    pub(super) fn new(path: &str, body: Incoming) -> Self {
        Self {
            path: path.to_owned(),
            body,
            buffer: BytesMut::new(),
            ended: false,
        }
    }

    pub(super) fn path(&self) -> &str {
        &self.path
    }

    /// The next line without its end; `None` when there is no more.
    pub(super) async fn next(&mut self) -> Result<Option<BytesMut>, ClientError> {
        loop {
            if let Some(end) = self.buffer.iter().position(|&byte| byte == b'\n') {
                let mut line = self.buffer.split_to(end);
                self.buffer.advance(1);
                if line.last() == Some(&b'\r') {
                    line.truncate(line.len() - 1);
                }
                return Ok(Some(line));
            }
            if self.ended {
                let rest = self.buffer.split();
                return Ok((!rest.is_empty()).then_some(rest));
            }
            match self.body.frame().await {
                None => self.ended = true,
                Some(Err(source)) => return Err(ClientError::broken(&self.path, source)),
                Some(Ok(frame)) => {
                    if let Ok(data) = frame.into_data() {
                        self.buffer.extend_from_slice(&data);
                    }
                }
            }
        }
    }
}

/// JSON values, one a line.
pub struct JsonLines<T> {
    lines: Lines,
    of: PhantomData<T>,
}

impl<T: DeserializeOwned> JsonLines<T> {
    pub(super) fn new(path: &str, body: Incoming) -> Self {
        Self {
            lines: Lines::new(path, body),
            of: PhantomData,
        }
    }

    /// The next value; `None` when there is no more. Cancel safe.
    ///
    /// # Errors
    /// When the connection breaks, or a line is no such value.
    pub async fn next(&mut self) -> Result<Option<T>, ClientError> {
        loop {
            match self.lines.next().await? {
                None => return Ok(None),
                Some(line) if line.is_empty() => {}
                Some(line) => return decode(self.lines.path(), &line).map(Some),
            }
        }
    }
}
