//! The ways to bring the next version.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result};

use super::cut::{version_name, wait_for_version};
use super::project::{self, PORT, Project};
use crate::docker::{Engine, output};
use crate::http;
use crate::landfall::{self, Landfall};
use crate::options::Options;
use crate::process::{Server, Workplace};

const UP_WITHIN: Duration = Duration::from_secs(60);
const NETWORK: &str = "script";

const CONFIG: &str = r#"
app     = "container"
compose = ["compose.yaml"]

[service.web]
port    = 3000
ready   = { path = "/health", within = "60s" }
# Landfall's proxy is in front of it.
publish = false

[service.web.version]
path   = "/version"
expect = "VERSION"

[[route]]
to = "web"
"#;

/// A way to replace a version by the next.
pub trait Way {
    /// For people.
    fn name(&self) -> &'static str;
    /// Where users ask.
    fn address(&self) -> SocketAddr;
    /// Brings a version, as the command does that people give for it. Its steps and their seconds,
    /// where it tells them.
    ///
    /// # Errors
    /// When it fails.
    fn bring(&mut self, version: usize) -> Result<Vec<(String, f64)>>;
}

/// `landfall deploy` of the Compose file.
pub struct Deploy(Landfall);

/// `docker compose up -d`.
pub struct Compose<'a> {
    program: &'a Path,
    project: Project,
    host: String,
}

/// A script: start, wait until it is healthy, switch nginx over, stop the old one.
pub struct Script<'a> {
    engine: &'a Engine,
    dir: PathBuf,
    address: SocketAddr,
    nginx: Option<Server>,
    container: Option<String>,
}

impl Deploy {
    /// Starts an agent.
    ///
    /// # Errors
    /// When it does not start.
    pub fn new(options: &Options, place: &Workplace, engine: &Engine) -> Result<Self> {
        let landfall = Landfall::new(&options.landfall, place, "deploy")?
            .with_env("DOCKER_HOST", engine.host());
        project::write_compose(landfall.project())?;
        landfall.run(&["agent", "start"])?;
        Ok(Self(landfall))
    }
}

impl Way for Deploy {
    fn name(&self) -> &'static str {
        "landfall deploy"
    }

    fn address(&self) -> SocketAddr {
        self.0.http()
    }

    fn bring(&mut self, version: usize) -> Result<Vec<(String, f64)>> {
        // The same file as that of `docker compose`: what it publishes is not.
        project::write_env(self.0.project(), version, self.0.http())?;
        let config = CONFIG.replace("VERSION", &version_name(version));
        self.0.write("landfall.toml", &config)?;
        let result = self.0.json(&["deploy", "--yes"])?;
        Ok(landfall::steps(&result))
    }
}

impl Drop for Deploy {
    fn drop(&mut self) {
        // Its containers would go with the engine, its processes with the workplace.
        let _ = self.0.stop_everything();
    }
}

impl<'a> Compose<'a> {
    /// Nothing is started yet.
    pub fn new(program: &'a Path, project: Project, engine: &Engine) -> Self {
        Self {
            program,
            project,
            host: engine.host(),
        }
    }
}

impl Way for Compose<'_> {
    fn name(&self) -> &'static str {
        "docker compose up -d"
    }

    fn address(&self) -> SocketAddr {
        self.project.published
    }

    fn bring(&mut self, version: usize) -> Result<Vec<(String, f64)>> {
        self.project.set_version(version)?;
        let mut up = Command::new(self.program);
        up.args(["up", "-d"])
            .current_dir(self.project.dir())
            .env("DOCKER_HOST", &self.host)
            .stdin(Stdio::null());
        output(up)?;
        Ok(Vec::new())
    }
}

impl<'a> Script<'a> {
    /// Makes a network; nothing runs in it yet.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn new(place: &Workplace, engine: &'a Engine) -> Result<Self> {
        output(engine.docker(&["network", "create", NETWORK]))?;
        Ok(Self {
            engine,
            dir: place.dir(NETWORK)?,
            address: http::free_address()?,
            nginx: None,
            container: None,
        })
    }

    /// Starts a container, and waits until it is healthy; its id and where it answers.
    fn start_container(&self, version: usize) -> Result<(String, SocketAddr)> {
        let image = format!("app:{}", version_name(version));
        let variables = ["--env", "HOST=0.0.0.0", "--env", "PORT=3000"];
        let run = ["run", "--detach", "--network", NETWORK];
        let run = [&run[..], &variables, &[&image]].concat();
        let id = output(self.engine.docker(&run))?;
        let format = "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}";
        let inspect = self.engine.docker(&["inspect", "--format", format, &id]);
        let upstream = SocketAddr::new(output(inspect)?.parse()?, PORT);
        http::wait_for_200(upstream, "/health", UP_WITHIN)?;
        Ok((id, upstream))
    }

    fn nginx(&self) -> Command {
        let mut nginx = Command::new("nginx");
        nginx.arg("-p").arg(&self.dir);
        nginx.arg("-c").arg(self.dir.join("nginx.conf"));
        nginx
    }

    /// Sends what comes from now on there.
    fn switch(&mut self, upstream: SocketAddr) -> Result<()> {
        let config = nginx_config(&self.dir, self.address, upstream);
        fs::write(self.dir.join("nginx.conf"), config).context("failed to write nginx.conf")?;
        if self.nginx.is_some() {
            let mut reload = self.nginx();
            reload.args(["-s", "reload"]);
            return output(reload).map(drop);
        }
        self.nginx = Some(Server::start(self.nginx(), &self.dir.join("output"))?);
        Ok(())
    }
}

impl Way for Script<'_> {
    fn name(&self) -> &'static str {
        "start, switch nginx, stop"
    }

    fn address(&self) -> SocketAddr {
        self.address
    }

    fn bring(&mut self, version: usize) -> Result<Vec<(String, f64)>> {
        let (new, upstream) = self.start_container(version)?;
        self.switch(upstream)?;
        // A reload is done some time after its command is.
        wait_for_version(self.address, version)?;
        if let Some(old) = self.container.replace(new) {
            output(self.engine.docker(&["stop", &old]))?;
            output(self.engine.docker(&["rm", &old]))?;
        }
        Ok(Vec::new())
    }
}

fn nginx_config(dir: &Path, address: SocketAddr, upstream: SocketAddr) -> String {
    let dir = dir.display();
    format!(
        "daemon off;\nworker_processes 1;\npid {dir}/pid;\nerror_log {dir}/error.log warn;\n\
         events {{ worker_connections 1024; }}\n\
         http {{\n  client_body_temp_path {dir}/body;\n  proxy_temp_path {dir}/proxy;\n\
           fastcgi_temp_path {dir}/fastcgi;\n  uwsgi_temp_path {dir}/uwsgi;\n  scgi_temp_path {dir}/scgi;\n\
           access_log {dir}/access.log combined buffer=32k flush=200ms;\n\
           server {{\n    listen {address};\n    location / {{\n\
               proxy_pass http://{upstream};\n      proxy_set_header Host $host;\n    }}\n  }}\n}}\n"
    )
}
