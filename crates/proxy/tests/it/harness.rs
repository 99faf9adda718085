//! Starts proxies as processes, apps as threads, and speaks raw HTTP to both.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use landfall_model::env::Secret;
use landfall_model::snapshot::{
    Ack, Candidate, Counters, Files, ProxyStatus, Route, SNAPSHOT_FORMAT, Snapshot, Table, Target,
    Upstream,
};
use landfall_model::{InstanceId, ReleaseNumber};
use landfall_proxy::{Limits, ProxyOptions};

const ENV: &str = "LANDFALL_TEST_PROXY";
/// Generous, for machines under load; nothing waits for it when all is well.
pub const DEADLINE: Duration = Duration::from_secs(30);

/// The token of the agent in all tests.
pub const PROBE: &str = "probe-token";

/// Runs a proxy when this process was started as one.
pub fn run_if_asked() {
    let Ok(spec) = std::env::var(ENV) else { return };
    tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .with_ansi(false)
        .init();
    let spec: serde_json::Value = serde_json::from_str(&spec).unwrap();
    let mut options = ProxyOptions::new(
        spec["control"].as_str().unwrap(),
        spec["state"].as_str().unwrap(),
    );
    options.workers = Some(2);
    options.takeover = spec["takeover"].as_bool().unwrap();
    let millis = |name: &str, default: Duration| {
        spec["limits"][name]
            .as_u64()
            .map_or(default, Duration::from_millis)
    };
    let limits = Limits::default();
    options.limits = Limits {
        head_time: millis("head_time", limits.head_time),
        keep_alive: millis("keep_alive", limits.keep_alive),
        client_idle: millis("client_idle", limits.client_idle),
        response_head: millis("response_head", limits.response_head),
        upstream_idle: millis("upstream_idle", limits.upstream_idle),
        lame_duck: millis("lame_duck", limits.lame_duck),
        layer4_wait: millis("layer4_wait", limits.layer4_wait),
        drain: millis("drain", limits.drain),
        takeover_drain: millis("takeover_drain", limits.takeover_drain),
        linger: millis("linger", limits.linger),
        ..limits
    };
    landfall_proxy::run(options).expect("the proxy runs");
}

/// A proxy process.
pub struct Proxy {
    child: Child,
    pub control: PathBuf,
    pub state: PathBuf,
    pub address: SocketAddr,
}

/// Directory, port and limits of a proxy and its successors.
pub struct Site {
    pub directory: tempfile::TempDir,
    pub address: SocketAddr,
    pub limits: serde_json::Value,
}

impl Site {
    pub fn new() -> Self {
        Self::with_limits(serde_json::json!({}))
    }

    pub fn with_limits(limits: serde_json::Value) -> Self {
        Self {
            directory: tempfile::tempdir().unwrap(),
            address: free_address(),
            limits,
        }
    }

    pub fn path(&self) -> &Path {
        self.directory.path()
    }

    pub fn start(&self) -> Proxy {
        let proxy = self.spawn(false);
        proxy.wait_until_served_by(proxy.pid());
        proxy
    }

    /// Starts a process without waiting for it.
    pub fn spawn(&self, takeover: bool) -> Proxy {
        let control = self.path().join("proxy.sock");
        let state = self.path().join("state");
        let spec = serde_json::json!({
            "control": control, "state": state, "takeover": takeover, "limits": self.limits,
        });
        let child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "proxy_process", "--nocapture"])
            .env(ENV, spec.to_string())
            .env("RUST_BACKTRACE", "1")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        Proxy {
            child,
            control,
            state,
            address: self.address,
        }
    }

    /// A snapshot that serves these tables at the site's address.
    pub fn snapshot(&self, generation: u64, tables: Vec<Table>) -> Snapshot {
        Snapshot {
            format: SNAPSHOT_FORMAT,
            generation,
            http: vec![self.address],
            behind: Vec::new(),
            probe_token: Secret::new(PROBE),
            tables,
            candidates: Vec::new(),
        }
    }
}

impl Proxy {
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    pub fn wait_until_served_by(&self, pid: u32) {
        eventually("the proxy to answer on its control socket", || {
            try_control(&self.control, "GET", "/status", b"")
                .filter(|(status, _)| *status == 200)
                .and_then(|(_, body)| serde_json::from_slice::<ProxyStatus>(&body).ok())
                .is_some_and(|status| status.pid == pid)
        });
    }

    pub fn control(&self, method: &str, path: &str, body: &[u8]) -> (u16, Vec<u8>) {
        try_control(&self.control, method, path, body).expect("the control socket answers")
    }

    pub fn try_put(&self, snapshot: &Snapshot) -> (u16, Vec<u8>) {
        self.control("PUT", "/snapshot", &serde_json::to_vec(snapshot).unwrap())
    }

    pub fn put(&self, snapshot: &Snapshot) -> Ack {
        let (status, body) = self.try_put(snapshot);
        assert_eq!(status, 200, "{}", String::from_utf8_lossy(&body));
        let ack: Ack = serde_json::from_slice(&body).unwrap();
        assert_eq!(ack.unbound, [], "everything is listened on");
        ack
    }

    pub fn status(&self) -> ProxyStatus {
        serde_json::from_slice(&self.control("GET", "/status", b"").1).unwrap()
    }

    pub fn counters(&self) -> Counters {
        serde_json::from_slice(&self.control("GET", "/counters", b"").1).unwrap()
    }

    pub fn in_flight(&self, instance: &str) -> u64 {
        let status = self.status();
        let count = status
            .in_flight
            .get(&instance.parse::<InstanceId>().unwrap());
        count.copied().unwrap_or(0)
    }

    pub fn signal(&self, signal: rustix::process::Signal) {
        let pid = rustix::process::Pid::from_raw(self.child.id() as i32).unwrap();
        rustix::process::kill_process(pid, signal).unwrap();
    }

    pub fn terminate(&self) {
        self.signal(rustix::process::Signal::TERM);
    }

    pub fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    pub fn has_ended(&mut self) -> Option<i32> {
        let status = self.child.try_wait().unwrap()?;
        Some(status.code().unwrap_or(-1))
    }

    pub fn wait_for_end(&mut self) -> i32 {
        let mut code = None;
        eventually("the proxy to end", || {
            code = self.has_ended();
            code.is_some()
        });
        code.unwrap()
    }

    pub fn connect(&self) -> Conn {
        Conn::to(self.address)
    }

    /// One request on a connection of its own.
    pub fn get(&self, path: &str) -> Response {
        self.connect().request(format!(
            "GET {path} HTTP/1.1\r\nhost: app.test\r\nconnection: close\r\n\r\n"
        ))
    }

    /// As [`Self::get`], with header lines.
    pub fn get_with(&self, path: &str, headers: &str) -> Response {
        self.connect().request(format!(
            "GET {path} HTTP/1.1\r\nhost: app.test\r\nconnection: close\r\n{headers}\r\n"
        ))
    }

    pub fn log_lines(&self) -> Vec<serde_json::Value> {
        let text = std::fs::read_to_string(self.state.join("access.log")).unwrap_or_default();
        text.lines()
            .map(|line| serde_json::from_str(line).expect("a line is json"))
            .collect()
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.kill();
    }
}

fn try_control(path: &Path, method: &str, target: &str, body: &[u8]) -> Option<(u16, Vec<u8>)> {
    let mut stream = UnixStream::connect(path).ok()?;
    stream.set_read_timeout(Some(DEADLINE)).ok()?;
    let head = format!(
        "{method} {target} HTTP/1.1\r\nhost: landfall\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).ok()?;
    stream.write_all(body).ok()?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).ok()?;
    let end = find(&answer, b"\r\n\r\n")? + 4;
    let status = std::str::from_utf8(answer.get(9..12)?).ok()?.parse().ok()?;
    Some((status, answer[end..].to_vec()))
}

/// Waits for a condition.
pub fn eventually(what: &str, mut condition: impl FnMut() -> bool) {
    let deadline = Instant::now() + DEADLINE;
    while !condition() {
        assert!(Instant::now() < deadline, "waited in vain for {what}");
        std::thread::park_timeout(Duration::from_millis(5));
    }
}

/// An address nobody listens on. Below the range from which the kernel takes ports for outgoing
/// connections, or one of those could be on it before the proxy is.
pub fn free_address() -> SocketAddr {
    loop {
        let address = SocketAddr::from(([127, 0, 0, 1], fastrand::u16(10_000..32_000)));
        if TcpListener::bind(address).is_ok() {
            return address;
        }
    }
}

pub fn find(bytes: &[u8], what: &[u8]) -> Option<usize> {
    bytes.windows(what.len()).position(|window| window == what)
}

/// A client's connection.
pub struct Conn {
    pub stream: TcpStream,
    buffered: Vec<u8>,
}

/// An answer.
#[derive(Debug, Clone)]
pub struct Response {
    pub status: u16,
    pub head: String,
    pub body: Vec<u8>,
}

impl Response {
    pub fn header(&self, name: &str) -> Option<&str> {
        header(&self.head, name)
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

pub fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    head.lines().skip(1).find_map(|line| {
        let (key, value) = line.split_once(':')?;
        key.eq_ignore_ascii_case(name).then_some(value.trim())
    })
}

impl Conn {
    pub fn to(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).unwrap();
        Self::new(stream)
    }

    pub fn new(stream: TcpStream) -> Self {
        stream.set_read_timeout(Some(DEADLINE)).unwrap();
        stream.set_nodelay(true).unwrap();
        Self {
            stream,
            buffered: Vec::new(),
        }
    }

    pub fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.stream.write_all(bytes.as_ref()).unwrap();
    }

    pub fn request(&mut self, bytes: impl AsRef<[u8]>) -> Response {
        let is_head = bytes.as_ref().starts_with(b"HEAD ");
        self.send(bytes);
        self.try_response(is_head).expect("an answer")
    }

    pub fn response(&mut self) -> Response {
        self.try_response(false).expect("an answer")
    }

    fn fill(&mut self) -> Option<usize> {
        let mut chunk = [0; 16 * 1024];
        let count = self.stream.read(&mut chunk).ok()?;
        self.buffered.extend_from_slice(&chunk[..count]);
        Some(count)
    }

    pub fn head(&mut self) -> Option<String> {
        loop {
            if let Some(end) = find(&self.buffered, b"\r\n\r\n") {
                let head: Vec<u8> = self.buffered.drain(..end + 4).collect();
                return Some(String::from_utf8_lossy(&head).into_owned());
            }
            if self.fill()? == 0 {
                return None;
            }
        }
    }

    pub fn exactly(&mut self, count: usize) -> Option<Vec<u8>> {
        while self.buffered.len() < count {
            if self.fill()? == 0 {
                return None;
            }
        }
        Some(self.buffered.drain(..count).collect())
    }

    pub fn line(&mut self) -> Option<Vec<u8>> {
        loop {
            if let Some(end) = find(&self.buffered, b"\r\n") {
                return Some(self.buffered.drain(..end + 2).collect());
            }
            if self.fill()? == 0 {
                return None;
            }
        }
    }

    /// Everything up to the end of the stream; `None` when it was reset.
    pub fn rest(&mut self) -> Option<Vec<u8>> {
        while self.fill()? > 0 {}
        Some(std::mem::take(&mut self.buffered))
    }

    /// Whether the other side has closed without sending more.
    pub fn is_closed(&mut self) -> bool {
        self.buffered.is_empty() && matches!(self.stream.read(&mut [0]), Ok(0) | Err(_))
    }

    /// Body by framing; chunked bodies are decoded, trailers appended.
    fn body(&mut self, head: &str, to_end: bool) -> Option<Vec<u8>> {
        if header(head, "transfer-encoding").is_some() {
            let mut body = Vec::new();
            loop {
                let line = self.line()?;
                let size = std::str::from_utf8(&line)
                    .ok()?
                    .trim()
                    .split(';')
                    .next()?
                    .to_owned();
                let size = usize::from_str_radix(&size, 16).ok()?;
                if size == 0 {
                    loop {
                        let line = self.line()?;
                        if line == b"\r\n" {
                            return Some(body);
                        }
                        body.extend_from_slice(&line);
                    }
                }
                body.extend(self.exactly(size)?);
                self.exactly(2)?;
            }
        }
        match header(head, "content-length") {
            Some(length) => self.exactly(length.parse().ok()?),
            None if to_end => self.rest(),
            None => Some(Vec::new()),
        }
    }

    pub fn try_response(&mut self, is_head: bool) -> Option<Response> {
        let head = self.head()?;
        let status: u16 = head.get(9..12)?.parse().ok()?;
        let has_body = !is_head && status >= 200 && status != 204 && status != 304;
        let body = if has_body {
            self.body(&head, true)?
        } else {
            Vec::new()
        };
        Some(Response { status, head, body })
    }

    /// A request, as an app reads it.
    pub fn read_request(&mut self) -> Option<Request> {
        let head = self.head()?;
        let body = self.body(&head, false)?;
        Some(Request { head, body })
    }
}

/// A request, as an app saw it.
#[derive(Debug, Clone)]
pub struct Request {
    pub head: String,
    pub body: Vec<u8>,
}

impl Request {
    pub fn path(&self) -> &str {
        self.head.split(' ').nth(1).unwrap_or_default()
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        header(&self.head, name)
    }
}

/// An app: a listener whose connections are handled by a closure, one thread each.
pub struct App {
    pub address: SocketAddr,
    pub connections: Arc<AtomicUsize>,
    pub requests: Arc<Mutex<Vec<Request>>>,
}

impl App {
    /// Every connection goes to `handle`.
    pub fn raw(handle: impl Fn(Conn, usize) + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let app = Self {
            address: listener.local_addr().unwrap(),
            connections: Arc::default(),
            requests: Arc::default(),
        };
        let handle = Arc::new(handle);
        let connections = app.connections.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let Ok(stream) = stream else { return };
                let number = connections.fetch_add(1, Ordering::SeqCst);
                let handle = handle.clone();
                std::thread::spawn(move || handle(Conn::new(stream), number));
            }
        });
        app
    }

    /// Every request is recorded and answered with what `answer` returns, on kept connections.
    pub fn http(answer: impl Fn(&Request) -> String + Send + Sync + 'static) -> Self {
        let requests = Arc::new(Mutex::new(Vec::new()));
        let seen = requests.clone();
        let mut app = Self::raw(move |mut conn, _| {
            while let Some(request) = conn.read_request() {
                seen.lock().unwrap().push(request.clone());
                if conn.stream.write_all(answer(&request).as_bytes()).is_err() {
                    return;
                }
            }
        });
        app.requests = requests;
        app
    }

    /// Answers `200` with this body.
    pub fn saying(body: &str) -> Self {
        let body = body.to_owned();
        Self::http(move |_| ok(&body))
    }

    pub fn last_request(&self) -> Request {
        self.requests
            .lock()
            .unwrap()
            .last()
            .cloned()
            .expect("a request")
    }

    pub fn request_count(&self) -> usize {
        self.requests.lock().unwrap().len()
    }

    pub fn target(&self, instance: &str, release: u32) -> Target {
        target(instance, release, self.address)
    }
}

pub fn target(instance: &str, release: u32, address: SocketAddr) -> Target {
    Target {
        instance: instance.parse().unwrap(),
        release: ReleaseNumber(release),
        address,
    }
}

pub fn ok(body: &str) -> String {
    format!(
        "HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
}

pub fn route(host: Option<&str>, path: &str, service: &str) -> Route {
    Route {
        host: host.map(str::to_owned),
        path: path.to_owned(),
        service: service.parse().unwrap(),
        strip_prefix: false,
    }
}

/// A table with one route to one service.
pub fn table(release: u32, targets: Vec<Target>) -> Table {
    table_of(release, Upstream::Instances(targets))
}

pub fn file_table(release: u32, files: Files) -> Table {
    table_of(release, Upstream::Files(files))
}

pub fn table_of(release: u32, upstream: Upstream) -> Table {
    Table {
        app: "shop".parse().unwrap(),
        environment: "production".parse().unwrap(),
        release: Some(ReleaseNumber(release)),
        routes: vec![route(None, "/", "web")],
        services: BTreeMap::from([("web".parse().unwrap(), upstream)]),
        addresses: Vec::new(),
    }
}

pub fn candidate(token: &str, table: Table) -> Candidate {
    Candidate {
        token: Secret::new(token),
        table,
    }
}

/// A proxy in front of one app.
pub fn in_front_of(app: &App) -> (Site, Proxy) {
    let site = Site::new();
    let proxy = site.start();
    proxy.put(&site.snapshot(1, vec![table(1, vec![app.target("web-1", 1)])]));
    (site, proxy)
}
