//! A person's machine with an app on it, and the server that the app is deployed to over ssh.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::Command;

use landfall_testkit::load::LoadPlan;
use landfall_testkit::server::{ServerBox, User};
use landfall_testkit::{Output, Project, Sandbox, bins};

/// The binary without what debuggers want of it: a server gets it many times here.
pub fn stripped(sandbox: &Sandbox) -> PathBuf {
    let path = sandbox.dir().join("landfall");
    if !path.exists() {
        let mut strip = Command::new("strip");
        let done = strip.arg("-o").arg(&path).arg(bins::landfall()).status();
        assert!(
            done.is_ok_and(|status| status.success()),
            "strip, of binutils"
        );
    }
    path
}

/// A sandbox whose commands reach a server and mean its environment.
pub fn laptop(server: &ServerBox<'_>) -> Sandbox {
    Sandbox::new()
        .with_env("LANDFALL_SSH", server.ssh_command())
        .with_env("LANDFALL_ENV", "production")
}

/// Makes a server ready.
#[track_caller]
pub fn add(sandbox: &Sandbox, server: &ServerBox<'_>, user: User) -> Output {
    add_with(sandbox, server, user, &[])
}

/// Makes a server ready, with more options.
#[track_caller]
pub fn add_with(sandbox: &Sandbox, server: &ServerBox<'_>, user: User, options: &[&str]) -> Output {
    let (host, binary) = (server.host(user), stripped(sandbox));
    let binary = binary.to_str().expect("a path");
    let add = [
        "server", "add", &host, "--binary", binary, "--yes", "--json",
    ];
    sandbox.landfall([&add[..], options].concat())
}

/// Makes a server ready and deploys the hello app to it, at `v1`.
#[track_caller]
pub fn deployed<'a>(sandbox: &'a Sandbox, server: &ServerBox<'_>) -> Project<'a> {
    add(sandbox, server, User::Deploy).ok();
    let project = Project::hello(sandbox);
    place(&project, server);
    project.landfall(&["deploy", "--yes"]).ok();
    project
}

/// Makes the hello app another version, on a server.
pub fn release(project: &Project<'_>, server: &ServerBox<'_>, version: &str, behaviour: &str) {
    project.release(version, behaviour);
    place(project, server);
}

/// Says in `landfall.toml` where the app is deployed to.
pub fn place(project: &Project<'_>, server: &ServerBox<'_>) {
    // The WebSocket of the load would be waited for longer than everything else takes.
    project.edit("app = \"hello\"", "app = \"hello\"\ndrain = \"3s\"");
    environment(project, "production", server);
}

/// Puts an environment of an app on a server.
pub fn environment(project: &Project<'_>, name: &str, server: &ServerBox<'_>) {
    let host = server.host(User::Deploy);
    project.append(&format!("[environment.{name}]\nserver = \"{host}\""));
}

/// Where a server serves HTTP.
pub fn http(server: &ServerBox<'_>) -> SocketAddr {
    SocketAddr::new(server.address(), 80)
}

/// Load on the server from outside.
pub fn from_outside(server: &ServerBox<'_>) -> LoadPlan {
    LoadPlan::new(http(server), "localhost")
}

/// What a shell prints on a server as root, however its network is.
#[track_caller]
pub fn inside(server: &ServerBox<'_>, script: &str) -> String {
    server.exec(&["sh", "-c", script]).ok().stdout
}
