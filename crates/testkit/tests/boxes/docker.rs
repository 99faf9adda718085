//! Docker in a box, and boxes side by side.

use std::io::{Read as _, Write as _};
use std::net::{IpAddr, TcpStream};
use std::time::Duration;

use landfall_testkit::server::{Kind, ServerBox, ServerEngine, User};
use landfall_testkit::wait_until;

/// Brings an image with the tools of busybox into the Docker of a box.
pub fn import_busybox(server: &ServerBox<'_>, engine: &ServerEngine) {
    let root = tempfile::tempdir().expect("a directory");
    landfall_testkit::docker::busybox_root(root.path());
    let tar = root.path().join("image.tar");
    let packed = std::process::Command::new("tar")
        .args(["--exclude=image.tar", "-cf"])
        .arg(&tar)
        .arg("-C")
        .arg(root.path())
        .arg(".")
        .status();
    assert!(packed.is_ok_and(|status| status.success()));
    let there = format!("{}:/root/image.tar", server.name());
    engine
        .docker()
        .docker(&["cp", &tar.to_string_lossy(), &there]);
    server
        .exec(&["docker", "import", "/root/image.tar", "busybox"])
        .ok();
}

fn page(address: IpAddr) -> Option<String> {
    let address = (address, 80).into();
    let mut stream = TcpStream::connect_timeout(&address, Duration::from_secs(5)).ok()?;
    stream.write_all(b"GET /page HTTP/1.0\r\n\r\n").ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    answer
        .split_once("\r\n\r\n")
        .map(|(_, body)| body.to_owned())
}

#[test]
fn containers_in_a_box_are_limited_reached_and_back_after_a_power_cut() {
    let engine = ServerEngine::shared();
    let server = ServerBox::boot(engine, "nested", Kind::Docker);
    import_busybox(&server, engine);
    let serve = "docker run --detach --name web --restart always --publish 80:80 --memory 32m \
        --cpus 0.5 --pids-limit 20 busybox sh -c 'echo hello >/page; exec httpd -f -p 80'";
    server.ssh(User::Root, serve).ok();
    let serves = || page(server.address()).is_some_and(|page| page == "hello\n");
    wait_until(Duration::from_secs(30), "a page from the container", serves);

    let other = ServerBox::boot(engine, "other", Kind::Plain);
    let from_other = format!("curl --silent --fail http://{}/page", server.address());
    assert_eq!(other.ssh(User::Plain, &from_other).ok().stdout, "hello\n");

    server.power_cut();
    server.power_on();
    wait_until(Duration::from_secs(30), "a page from the container", serves);
}
