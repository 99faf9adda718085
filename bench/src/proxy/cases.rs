//! What is asked of a proxy.

/// A kind of load.
#[derive(Debug)]
pub struct Case {
    /// For people, and for choosing.
    pub name: &'static str,
    /// Length of each body.
    pub bytes: usize,
    /// Connections at a time.
    pub connections: usize,
    /// Whether each request opens its own connection.
    pub new_connections: bool,
}

impl Case {
    /// What is asked for.
    pub fn path(&self) -> &'static str {
        match self.bytes {
            LARGE => "/large",
            _ => "/small",
        }
    }
}

/// Length of a small body: an API's answer.
pub const SMALL: usize = 1024;
/// Length of a large body: a page or a script.
pub const LARGE: usize = 100 * 1024;

/// All cases.
pub const CASES: [Case; 6] = [
    case("1 KB, 50 connections", SMALL, 50, false),
    case("1 KB, 500 connections", SMALL, 500, false),
    case("100 KB, 50 connections", LARGE, 50, false),
    case("100 KB, 500 connections", LARGE, 500, false),
    case("new connections, 50 at a time", SMALL, 50, true),
    case("new connections, 500 at a time", SMALL, 500, true),
];

const fn case(name: &'static str, bytes: usize, connections: usize, new_connections: bool) -> Case {
    Case {
        name,
        bytes,
        connections,
        new_connections,
    }
}
