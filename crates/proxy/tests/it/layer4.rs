//! Stable addresses of services.

use landfall_model::snapshot::{Address, Snapshot, Target};

use crate::harness::*;

fn snapshot(
    site: &Site,
    generation: u64,
    listen: std::net::SocketAddr,
    targets: Vec<Target>,
) -> Snapshot {
    let mut table = table(1, targets);
    table.addresses = vec![Address {
        listen,
        service: "web".parse().unwrap(),
    }];
    site.snapshot(generation, vec![table])
}

/// Says its name, then echoes.
fn echo(name: &'static str) -> App {
    App::raw(move |mut conn, _| {
        conn.send(name);
        while let Some(part) = conn.exactly(4) {
            conn.send(part);
        }
    })
}

#[test]
fn a_stable_address_follows_its_service() {
    let (one, two) = (echo("one"), echo("two"));
    let site = Site::new();
    let proxy = site.start();
    let listen = free_address();
    proxy.put(&snapshot(&site, 1, listen, vec![one.target("web-1", 1)]));
    let mut old = Conn::to(listen);
    assert_eq!(old.exactly(3).unwrap(), b"one");
    assert_eq!(proxy.in_flight("web-1"), 1);
    proxy.put(&snapshot(&site, 2, listen, vec![two.target("web-2", 1)]));
    assert_eq!(Conn::to(listen).exactly(3).unwrap(), b"two");
    old.send("ping");
    assert_eq!(
        old.exactly(4).unwrap(),
        b"ping",
        "connections of the old instance go on"
    );
    assert_eq!(proxy.in_flight("web-1"), 1);
    drop(old);
    eventually("it to be off the books", || proxy.in_flight("web-1") == 0);
}

#[test]
fn a_connection_waits_for_an_instance_to_appear() {
    let app = echo("here");
    let site = Site::with_limits(serde_json::json!({ "layer4_wait": 20_000 }));
    let proxy = site.start();
    let listen = free_address();
    proxy.put(&snapshot(&site, 1, listen, vec![]));
    let mut early = Conn::to(listen);
    proxy.put(&snapshot(
        &site,
        2,
        listen,
        vec![target("web-1", 1, free_address())],
    ));
    proxy.put(&snapshot(&site, 3, listen, vec![app.target("web-2", 1)]));
    assert_eq!(early.exactly(4).unwrap(), b"here");
}

#[test]
fn a_connection_without_instance_is_closed_in_the_end() {
    let site = Site::with_limits(serde_json::json!({ "layer4_wait": 200 }));
    let proxy = site.start();
    let listen = free_address();
    proxy.put(&snapshot(&site, 1, listen, vec![]));
    assert!(Conn::to(listen).is_closed());
}

#[test]
fn a_stable_address_survives_a_take_over() {
    let app = echo("name");
    let site = Site::new();
    let first = site.start();
    let listen = free_address();
    first.put(&snapshot(&site, 1, listen, vec![app.target("web-1", 1)]));
    let mut before = Conn::to(listen);
    assert_eq!(before.exactly(4).unwrap(), b"name");
    let second = site.spawn(true);
    second.wait_until_served_by(second.pid());
    assert_eq!(Conn::to(listen).exactly(4).unwrap(), b"name");
    before.send("ping");
    assert_eq!(before.exactly(4).unwrap(), b"ping");
}
