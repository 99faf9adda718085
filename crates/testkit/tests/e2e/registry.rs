//! Images of a registry that asks who one is.

use std::fs;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::rc::Rc;
use std::time::Duration;

use landfall_testkit::docker::DockerEngine;
use landfall_testkit::{Sandbox, wait_until};
use serde_json::json;

use crate::yard::Yard;

/// `kim` with `s3cret`, as `htpasswd -B` writes it.
const USERS: &str = "kim:$2b$05$abcdefghijklmnopqrstuuLK7U1u6pVRmL7L1BBM2aS35PSZnDXlK\n";

struct Registry {
    process: Child,
    address: SocketAddr,
}

impl Registry {
    fn start(dir: &Path) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("an address");
        drop(listener);
        fs::create_dir(dir).unwrap();
        fs::write(dir.join("users"), USERS).unwrap();
        let config = json!({
            "version": 0.1,
            "storage": { "filesystem": { "rootdirectory": dir.join("data") } },
            "auth": { "htpasswd": { "realm": "images", "path": dir.join("users") } },
            "http": { "addr": address.to_string() },
        });
        let file = dir.join("config.yml");
        fs::write(&file, config.to_string()).unwrap();
        let process = Command::new("docker-registry")
            .arg("serve")
            .arg(&file)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("docker-registry is installed");
        wait_until(Duration::from_secs(20), "the registry", || {
            TcpStream::connect(address).is_ok()
        });
        Self { process, address }
    }

    /// Writes down who one is.
    fn login(&self, engine: &DockerEngine, config: &Path) {
        let (config, address) = (config.to_str().unwrap(), self.address.to_string());
        let who = ["--config", config, "login", "-u", "kim", "-p", "s3cret"];
        engine.docker(&[&who[..], &[&address]].concat());
    }
}

impl Drop for Registry {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// A yard whose agent looks for logins in a directory of its own, and a registry that has
/// `hello:v1`, which the engine has not.
fn yard() -> (Yard, Registry, PathBuf) {
    let sandbox = Sandbox::new();
    let logins = sandbox.dir().join("logins");
    let sandbox = sandbox.with_env("DOCKER_CONFIG", &logins);
    let yard = Yard::on(&Rc::new(DockerEngine::start(false)), sandbox);
    let registry = Registry::start(&yard.sandbox.dir().join("registry"));
    yard.good("v1");
    let image = format!("{}/hello:v1", registry.address);
    let pusher = yard.sandbox.dir().join("pusher");
    registry.login(&yard.engine, &pusher);
    let docker = |args: &[&str]| yard.engine.docker(args);
    docker(&["tag", "hello:v1", &image]);
    docker(&["--config", pusher.to_str().unwrap(), "push", &image]);
    docker(&["rmi", "hello:v1", &image]);
    (yard, registry, logins)
}

#[test]
fn c5_an_image_of_a_registry_is_pulled_as_who_one_logged_in_there() {
    let (yard, registry, logins) = yard();
    let image = format!("{}/hello:v1", registry.address);
    yard.project().edit("\"hello:v1\"", &format!("{image:?}"));
    let refused = yard.project().landfall(&["deploy", "--yes"]);
    assert_eq!(refused.code, Some(3), "{refused:#}");
    let login = format!("docker login {}", registry.address);
    assert!(refused.stderr.contains(&login), "{refused:#}");
    registry.login(&yard.engine, &logins);
    yard.project().landfall(&["deploy", "--yes"]).ok();
    assert_eq!(yard.status()["serving"], 2);
    assert_eq!(yard.running().len(), 1);
}

#[test]
fn c1_an_image_is_built_on_one_of_a_registry_that_asks_who_one_is() {
    let (yard, registry, logins) = yard();
    let project = yard.project();
    project.edit("image   = \"hello:v1\"\n", "");
    project.edit("run     = \"/app/hello\"\ndir     = \"/app\"\n", "");
    project.edit(
        "app   = \"hello\"",
        "app   = \"hello\"\ncompose = [\"compose.yaml\"]",
    );
    project.write(
        "compose.yaml",
        "services: { web: { build: ., environment: { PORT: 3000, HOST: 0.0.0.0 } } }",
    );
    let from = format!("FROM {}/hello:v1\n", registry.address);
    let dockerfile = format!("{from}WORKDIR /app\nCMD [\"/app/hello\"]\n");
    project.write("Dockerfile", &dockerfile);
    let refused = project.landfall(&["deploy", "--yes"]);
    assert_eq!(refused.code, Some(3), "{refused:#}");
    assert!(
        refused.stderr.contains(&registry.address.to_string()),
        "{refused:#}"
    );
    registry.login(&yard.engine, &logins);
    project.landfall(&["deploy", "--yes"]).ok();
    assert_eq!(yard.status()["serving"], 2);
}
