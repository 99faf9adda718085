//! Networks, addresses and published ports.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use landfall_model::container::{NetworkMode, NetworkOptions, NetworkRef, Protocol, PublishedPort};
use landfall_runtime::{Runtime, RuntimeError};

use crate::bench::{Bench, PORT, container, env, eventually, get, run, unique, within};

const SERVE: &str = "echo here >/tmp/name; exec httpd -f -p $PORT -h /tmp";

#[tokio::test]
async fn an_address_follows_a_restart_at_once() {
    let bench = Bench::new();
    let spec = bench.service(SERVE);
    bench.start(&spec).await;
    let first = bench.runtime.address(&spec.id).await.expect("an answer");
    bench.stop(&spec).await;
    // Takes the address that was given up.
    let other = bench.sh("exec sleep 1000");
    bench.start(&other).await;
    let seen = bench.status(&spec.id).await.seq;
    bench.start(&spec).await;
    let second = bench.runtime.address(&spec.id).await.expect("an answer");
    assert!(second.is_some() && second != first, "{first:?} {second:?}");
    assert!(bench.status(&spec.id).await.seq > seen);
    let second = second.expect("an address");
    let name = eventually("an answer", async || get(second, "/name").await).await;
    assert_eq!(name, "here");
}

#[tokio::test]
async fn a_change_of_the_address_while_it_runs_is_told() {
    let bench = Bench::new();
    let spec = bench.service(SERVE);
    bench.start(&spec).await;
    let before = bench.runtime.address(&spec.id).await.expect("an answer");
    let seen = bench.until_running(&spec.id).await.seq;
    let (network, name) = (bench.network(), container(&spec.id));
    let change = async {
        bench.docker(&["network", "disconnect", &network, &name]);
        bench.start(&bench.sh("exec sleep 1000")).await;
        bench.docker(&["network", "connect", &network, &name]);
    };
    let told = async {
        let mut seen = seen;
        loop {
            seen = bench
                .runtime
                .changed(&spec.id, seen)
                .await
                .expect("one")
                .seq;
            let now = bench.runtime.address(&spec.id).await.expect("an answer");
            if now.is_some() && now != before {
                return;
            }
        }
    };
    within(async { tokio::join!(change, told) }).await;
}

#[tokio::test]
async fn others_on_the_network_find_it_by_its_alias() {
    let bench = Bench::new();
    let server = bench.service(SERVE);
    bench.start(&server).await;
    let address = bench.runtime.address(&server.id).await.expect("an answer");
    let address = address.expect("an address");
    eventually("the server", async || get(address, "/name").await).await;
    let mut client = bench.sh("wget -qO- http://web:8080/name");
    if let NetworkMode::Joined(networks) = &mut run(&mut client).network {
        networks[0].aliases.clear();
    }
    bench.start(&client).await;
    bench.line(&client.id, "here").await;
}

#[tokio::test]
async fn a_second_network_is_joined_and_the_first_one_gives_the_address() {
    let bench = Bench::new();
    let second = unique("second");
    bench.docker(&["network", "create", &second]);
    let mut spec = bench.service(SERVE);
    let NetworkMode::Joined(networks) = &mut run(&mut spec).network else {
        panic!("no networks");
    };
    networks.push(NetworkRef {
        name: second.clone(),
        aliases: Vec::new(),
        external: true,
        options: NetworkOptions::default(),
    });
    bench.start(&spec).await;
    let address = bench.runtime.address(&spec.id).await.expect("an answer");
    let joined = &bench.inspect(&spec.id)["NetworkSettings"]["Networks"];
    assert_eq!(
        joined[bench.network()]["IPAddress"],
        address.expect("one").ip().to_string()
    );
    assert!(joined[&second]["IPAddress"].is_string());
    bench.docker(&["rm", "-f", &container(&spec.id)]);
    bench.docker(&["network", "rm", &second]);
}

#[tokio::test]
async fn a_network_of_someone_else_is_not_taken_for_ours() {
    let bench = Bench::new();
    let spec = bench.sh("true");
    bench.docker(&["network", "create", &bench.network()]);
    let error = bench
        .runtime
        .start(&spec, &env(&[]))
        .await
        .expect_err("a refusal");
    assert!(
        matches!(
            error,
            RuntimeError::Foreign {
                kind: "network",
                ..
            }
        ),
        "{error}"
    );
    assert!(error.to_string().contains("external"), "{error}");
    let removed = bench.runtime.remove_network(&bench.network()).await;
    removed.expect("nothing to do");
    bench.docker(&["network", "inspect", &bench.network()]);
}

#[tokio::test]
async fn an_external_network_that_is_missing_is_named() {
    let bench = Bench::new();
    let mut spec = bench.sh("true");
    run(&mut spec).network = NetworkMode::Joined(vec![NetworkRef {
        name: unique("missing"),
        aliases: Vec::new(),
        external: true,
        options: NetworkOptions::default(),
    }]);
    let error = bench
        .runtime
        .start(&spec, &env(&[]))
        .await
        .expect_err("a refusal");
    assert!(
        matches!(error, RuntimeError::NetworkMissing { .. }),
        "{error}"
    );
    assert!(
        error.to_string().contains("docker network create missing-"),
        "{error}"
    );
}

#[tokio::test]
async fn a_network_is_made_once_and_removed_when_nothing_is_on_it() {
    let bench = Bench::new();
    let name = bench.network();
    let options = NetworkOptions::default();
    let labels = [("shop".to_owned(), "yes".to_owned())].into();
    let (one, two) = tokio::join!(
        bench.runtime.ensure_network(&name, &options, &labels),
        bench.runtime.ensure_network(&name, &options, &labels)
    );
    one.and(two).expect("a network");
    let list = bench.docker(&["network", "ls", "-q", "--filter", &format!("name={name}")]);
    assert_eq!(list.lines().count(), 1);
    bench
        .runtime
        .remove_network(&name)
        .await
        .expect("a removal");
    bench
        .runtime
        .remove_network(&name)
        .await
        .expect("a removal");
}

#[tokio::test]
async fn a_published_port_leads_to_the_container() {
    let bench = Bench::new();
    let mut spec = bench.service(SERVE);
    run(&mut spec).ports = vec![PublishedPort {
        host_ip: Some(IpAddr::V4(Ipv4Addr::LOCALHOST)),
        host_port: None,
        container_port: PORT,
        protocol: Protocol::Tcp,
    }];
    bench.start(&spec).await;
    let published = bench.docker(&["port", &container(&spec.id), &PORT.to_string()]);
    let address: SocketAddr = published.parse().expect("an address");
    assert!(address.ip().is_loopback());
    let name = eventually("an answer", async || {
        get(address, "/name").await.filter(|name| !name.is_empty())
    })
    .await;
    assert_eq!(name, "here");
}

#[tokio::test]
async fn a_stopped_instance_starts_on_a_network_that_was_made_anew() {
    let bench = Bench::new();
    let spec = bench.service(SERVE);
    bench.start(&spec).await;
    bench.stop(&spec).await;
    bench.docker(&["network", "rm", &bench.network()]);
    bench.start(&spec).await;
    let address = bench.runtime.address(&spec.id).await.expect("an answer");
    let address = address.expect("an address");
    let name = eventually("an answer", async || get(address, "/name").await).await;
    assert_eq!(name, "here");
}
