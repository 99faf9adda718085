//! Query strings.

use std::fmt::{Display, Write as _};

/// A path with parameters.
#[derive(Debug)]
pub struct Query {
    path: String,
    next: char,
}

impl Query {
    /// Without parameters yet.
    pub fn new(path: impl Into<String>) -> Self {
        Self {
            path: path.into(),
            next: '?',
        }
    }

    /// Adds a parameter, if there is a value.
    pub fn with(mut self, name: &str, value: Option<impl Display>) -> Self {
        if let Some(value) = value {
            self.path.push(self.next);
            self.next = '&';
            self.path.push_str(name);
            self.path.push('=');
            encode(&value.to_string(), &mut self.path);
        }
        self
    }

    /// The whole.
    pub fn build(self) -> String {
        self.path
    }
}

fn encode(value: &str, out: &mut String) {
    for byte in value.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            // Writing to a String cannot fail.
            let _ = write!(out, "%{byte:02X}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_arrives_as_it_was_typed() {
        let path = Query::new("/logs")
            .with("grep", Some("a b&c=é+%"))
            .with("tail", None::<u32>)
            .with("follow", Some(true))
            .build();
        assert_eq!(path, "/logs?grep=a%20b%26c%3D%C3%A9%2B%25&follow=true");
    }
}
