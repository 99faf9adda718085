//! What users of an app see at a proxy.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use landfall_testkit::load::LoadPlan;
use landfall_testkit::wait_for;
use serde_json::Value;

const PATIENCE: Duration = Duration::from_secs(60);

/// An app behind a proxy.
#[derive(Debug, Clone, Copy)]
pub struct Site {
    proxy: SocketAddr,
}

impl Site {
    /// At the proxy's address.
    pub fn at(proxy: SocketAddr) -> Self {
        Self { proxy }
    }

    /// What the app answers through the proxy: status and body.
    pub fn ask(self, method: &str, path: &str, body: &str) -> (u16, String) {
        self.ask_at("localhost", method, path, body)
    }

    /// What the app answers to requests for a host.
    pub fn ask_at(self, host: &str, method: &str, path: &str, body: &str) -> (u16, String) {
        ask(self.proxy, host, method, path, body)
    }

    /// The JSON that the app answers with, once it does.
    #[track_caller]
    pub fn json(self, method: &str, path: &str, body: &str) -> Value {
        let (status, text) = self.ask(method, path, body);
        assert!((200..300).contains(&status), "{path}: {status} {text}");
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{path}: {error}: {text}"))
    }

    /// A load on these paths, without slow requests and WebSockets.
    pub fn load(self, paths: &[&str]) -> LoadPlan {
        LoadPlan {
            slow: 0,
            websockets: 0,
            paths: paths.iter().map(|path| (*path).to_owned()).collect(),
            ..LoadPlan::new(self.proxy, "localhost")
        }
    }

    /// Waits until a number that the app tells is what it should be.
    #[track_caller]
    pub fn until(self, path: &str, key: &str, wanted: u64) {
        wait_for(PATIENCE, &format!("{key} {wanted} at {path}"), || {
            (self.json("GET", path, "")[key] == wanted).then_some(())
        });
    }
}

fn ask(proxy: SocketAddr, host: &str, method: &str, path: &str, body: &str) -> (u16, String) {
    let mut stream = TcpStream::connect(proxy).expect("the proxy listens");
    let length = body.len();
    let request = format!(
        "{method} {path} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\ncontent-type: \
         application/json\r\ncontent-length: {length}\r\n\r\n{body}"
    );
    stream.write_all(request.as_bytes()).expect("a request");
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).expect("an answer");
    let answer = String::from_utf8_lossy(&answer).into_owned();
    let (head, body) = answer.split_once("\r\n\r\n").expect("a head");
    let status = head
        .split(' ')
        .nth(1)
        .and_then(|status| status.parse().ok());
    let is_chunked = head
        .to_ascii_lowercase()
        .contains("transfer-encoding: chunked");
    let body = if is_chunked {
        unchunked(body)
    } else {
        body.to_owned()
    };
    (status.expect("a status"), body)
}

fn unchunked(mut body: &str) -> String {
    let mut whole = String::new();
    while let Some((length, rest)) = body.split_once("\r\n") {
        let length = usize::from_str_radix(length, 16).expect("a length");
        if length == 0 {
            break;
        }
        whole.push_str(&rest[..length]);
        body = &rest[length + 2..];
    }
    whole
}
