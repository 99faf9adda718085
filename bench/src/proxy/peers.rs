//! The proxies, each as someone who knows it sets it up in front of one app: connections to the
//! app are kept, the usual X-Forwarded headers and a request id are added, and each request is
//! logged with its times, through a buffer where the program has one.

use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result};
use serde_json::json;

use super::{PROXY_CORE, cases, other_cores};
use crate::http;
use crate::options::Options;
use crate::process::{Server, Workplace, on_cores};

const UP_WITHIN: Duration = Duration::from_secs(20);

/// The upstream and the proxies before it.
#[derive(Debug)]
pub struct Peers {
    proxies: Vec<Peer>,
    upstream: Server,
}

#[derive(Debug)]
struct Peer {
    name: &'static str,
    address: SocketAddr,
    server: Server,
}

/// Index of the proxy under test among the peers.
pub const OURS: usize = 1;

impl Peers {
    /// Starts them all and waits until all answer.
    ///
    /// # Errors
    /// When one does not.
    pub fn start(place: &Workplace, options: &Options) -> Result<Self> {
        let upstream_address = http::free_address()?;
        let upstream = start_upstream(&place.dir("upstream")?, upstream_address)?;
        http::wait_for_200(upstream_address, "/small", UP_WITHIN)?;

        let log = !options.peers_without_log;
        let proxies = vec![
            start_nginx(&place.dir("nginx")?, upstream_address, log)?,
            start_landfall(&place.dir("landfall")?, upstream_address, &options.landfall)?,
            start_haproxy(&place.dir("haproxy")?, upstream_address, log)?,
        ];
        for proxy in &proxies {
            http::wait_for_200(proxy.address, "/small", UP_WITHIN)
                .with_context(|| format!("{} does not serve", proxy.name))?;
        }
        Ok(Self { proxies, upstream })
    }

    /// How many proxies.
    pub fn count(&self) -> usize {
        self.proxies.len()
    }

    /// Names and addresses of the proxies.
    pub fn addresses(&self) -> impl Iterator<Item = (&'static str, SocketAddr)> {
        self.proxies.iter().map(|peer| (peer.name, peer.address))
    }

    /// A proxy's name.
    pub fn name(&self, peer: usize) -> &'static str {
        self.proxies[peer].name
    }

    /// A proxy's address.
    pub fn address(&self, peer: usize) -> SocketAddr {
        self.proxies[peer].address
    }

    /// A proxy's processes.
    pub fn pids(&self, peer: usize) -> Vec<u32> {
        self.proxies[peer].server.pids()
    }

    /// The upstream's processes.
    pub fn upstream_pids(&self) -> Vec<u32> {
        self.upstream.pids()
    }
}

/// The head of both nginx configurations.
fn nginx_head(dir: &Path) -> String {
    let dir = dir.display();
    format!(
        "daemon off;\nworker_processes 1;\nworker_rlimit_nofile 65536;\npid {dir}/pid;\n\
         error_log {dir}/error.log warn;\nevents {{ worker_connections 8192; multi_accept on; }}\n\
         http {{\n  client_body_temp_path {dir}/body;\n  proxy_temp_path {dir}/proxy;\n\
           fastcgi_temp_path {dir}/fastcgi;\n  uwsgi_temp_path {dir}/uwsgi;\n  scgi_temp_path {dir}/scgi;\n\
           keepalive_requests 100000000;\n  keepalive_timeout 75s;\n  tcp_nodelay on;\n  server_tokens off;\n"
    )
}

fn nginx(dir: &Path, config: &str, cores: &str) -> Result<Server> {
    let path = dir.join("nginx.conf");
    fs::write(&path, config).context("failed to write a configuration")?;
    let mut command = on_cores(cores, "nginx");
    command.arg("-p").arg(dir).arg("-c").arg(&path);
    Server::start(command, &dir.join("output"))
}

/// Writes its answers from memory, as apps do. With sendfile the cost to whoever receives them would
/// hang on how the page cache happens to hold the file, by a factor of two from run to run.
fn start_upstream(dir: &Path, address: SocketAddr) -> Result<Server> {
    fs::write(dir.join("small"), vec![b'x'; cases::SMALL])?;
    fs::write(dir.join("large"), vec![b'x'; cases::LARGE])?;
    let config = format!(
        "{}  access_log off;\n  sendfile off;\n  output_buffers 1 128k;\n  open_file_cache max=16 inactive=1h;\n\
           server {{ listen {address} backlog=4096; root {}; }}\n}}\n",
        nginx_head(dir),
        dir.display()
    );
    nginx(dir, &config, &other_cores())
}

/// Buffers hold the large body whole, so that nothing goes through a file.
fn start_nginx(dir: &Path, upstream: SocketAddr, log: bool) -> Result<Peer> {
    let address = http::free_address()?;
    let log = match log {
        true => format!(
            "access_log {}/access.log full buffer=32k flush=200ms",
            dir.display()
        ),
        false => "access_log off".to_owned(),
    };
    let config = format!(
        "{head}  log_format full escape=json '{{\"time\":\"$time_iso8601\",\"request_id\":\"$request_id\",\
         \"host\":\"$host\",\"method\":\"$request_method\",\"path\":\"$request_uri\",\"status\":$status,\
         \"bytes\":$body_bytes_sent,\"duration\":$request_time,\"upstream\":\"$upstream_header_time\",\
         \"target\":\"$upstream_addr\",\"client\":\"$remote_addr\"}}';\n  {log};\n\
           upstream app {{ server {upstream}; keepalive 1024; keepalive_requests 100000000; }}\n\
           server {{\n    listen {address} backlog=4096;\n    location / {{\n\
               proxy_pass http://app;\n      proxy_http_version 1.1;\n      proxy_set_header Connection \"\";\n\
               proxy_set_header Host $host;\n      proxy_set_header X-Real-IP $remote_addr;\n\
               proxy_set_header X-Forwarded-For $remote_addr;\n      proxy_set_header X-Forwarded-Proto $scheme;\n\
               proxy_set_header X-Forwarded-Host $host;\n      proxy_set_header X-Request-Id $request_id;\n\
               proxy_buffer_size 16k;\n      proxy_buffers 8 32k;\n      proxy_busy_buffers_size 64k;\n\
             }}\n  }}\n}}\n",
        head = nginx_head(dir),
    );
    Ok(Peer {
        name: "nginx",
        address,
        server: nginx(dir, &config, PROXY_CORE)?,
    })
}

/// Haproxy has no file of its own to log to: its standard output is one.
fn start_haproxy(dir: &Path, upstream: SocketAddr, log: bool) -> Result<Peer> {
    let address = http::free_address()?;
    let (target, option) = match log {
        true => (
            "  log stdout format raw local0 info\n",
            "  log global\n  option httplog\n",
        ),
        false => ("", ""),
    };
    let config = format!(
        "global\n  nbthread 1\n  maxconn 8192\n  tune.bufsize 32768\n{target}\
         defaults\n  mode http\n{option}  timeout connect 5s\n  timeout client 75s\n  timeout server 75s\n\
           timeout http-keep-alive 75s\n  http-reuse always\n\
         frontend in\n  bind {address} backlog 4096\n  option forwardfor\n\
           http-request set-header X-Real-IP %[src]\n  http-request set-header X-Forwarded-Proto http\n\
           http-request set-header X-Forwarded-Host %[req.hdr(host)]\n\
           unique-id-format %[uuid()]\n  unique-id-header X-Request-Id\n  default_backend app\n\
         backend app\n  server app {upstream}\n"
    );
    let path = dir.join("haproxy.cfg");
    fs::write(&path, config).context("failed to write a configuration")?;
    let mut command = on_cores(PROXY_CORE, "haproxy");
    // In the foreground, without a master.
    command.arg("-db").arg("-f").arg(&path);
    Ok(Peer {
        name: "haproxy",
        address,
        server: Server::start(command, &dir.join("output"))?,
    })
}

fn start_landfall(dir: &Path, upstream: SocketAddr, program: &Path) -> Result<Peer> {
    let address = http::free_address()?;
    let control = dir.join("proxy.sock");
    let mut command: Command = on_cores(PROXY_CORE, program);
    command.arg("proxy").arg("--control").arg(&control);
    command.arg("--state").arg(dir).args(["--workers", "1"]);
    let server = Server::start(command, &dir.join("output"))?;

    let target = json!({ "instance": "web-1", "release": 1, "address": upstream });
    let route = json!({ "host": null, "path": "/", "service": "web", "strip_prefix": false });
    let table = json!({
        "app": "bench", "environment": "local", "release": 1, "addresses": [],
        "routes": [route], "services": { "web": { "instances": [target] } },
    });
    let snapshot = json!({
        "format": 1, "generation": 1, "http": [address], "probe_token": "unused-by-the-bench",
        "tables": [table], "candidates": [],
    });
    let put = || http::put(&control, "/snapshot", &snapshot.to_string()).ok();
    crate::wait::wait_for(UP_WITHIN, "the proxy to take its routes", put)?;
    Ok(Peer {
        name: "landfall",
        address,
        server,
    })
}
