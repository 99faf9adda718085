//! What the engine is told, field by field.

use serde_json::{Value, json};

use super::*;
use crate::{INSTANCE_FORMAT, RunSpec};
use landfall_model::container::{DeviceSpec, MountSource, MountSpec, Protocol, SecuritySpec};

fn told(run: ContainerRun) -> Value {
    let spec = InstanceSpec {
        format: INSTANCE_FORMAT,
        id: "web-1-abc".parse().expect("an id"),
        owner: None,
        run: RunSpec::Container(run.clone()),
        port: None,
        restart: None,
        stop: landfall_model::spec::StopSpec {
            signal: "SIGQUIT".into(),
            grace: Duration::from_secs(7),
        },
        limits: landfall_model::spec::Limits {
            memory: Some(64),
            cpus: Some(1.5),
            pids: None,
            open_files: Some(99),
        },
        log: LogSpec::default(),
    };
    let body = body(&spec, &run, &EnvValues::new(), HashMap::new());
    serde_json::to_value(body).expect("json")
}

#[track_caller]
fn has(told: &Value, pointer: &str, expected: Value) {
    assert_eq!(told.pointer(pointer), Some(&expected), "{pointer}");
}

#[test]
fn what_the_image_says_stands_where_the_spec_says_nothing() {
    let told = told(ContainerRun {
        image: "shop:1".to_owned(),
        ..ContainerRun::default()
    });
    has(&told, "/Image", json!("shop:1"));
    for field in [
        "Entrypoint",
        "Cmd",
        "WorkingDir",
        "User",
        "Hostname",
        "Healthcheck",
    ] {
        assert!(told.get(field).is_none_or(Value::is_null), "{field}");
    }
    has(&told, "/HostConfig/NetworkMode", json!("none"));
    has(&told, "/HostConfig/RestartPolicy/Name", json!("no"));
    has(&told, "/StopSignal", json!("SIGQUIT"));
    has(&told, "/StopTimeout", json!(7));
}

#[test]
fn limits_and_bounds_of_the_log_are_the_instances() {
    let told = told(ContainerRun {
        ulimits: [("core".to_owned(), Ulimit { soft: 0, hard: -1 })].into(),
        ..ContainerRun::default()
    });
    has(&told, "/HostConfig/Memory", json!(64));
    has(&told, "/HostConfig/MemorySwap", json!(64));
    has(&told, "/HostConfig/NanoCpus", json!(1_500_000_000));
    let ulimits = json!([
        { "Name": "core", "Soft": 0, "Hard": -1 },
        { "Name": "nofile", "Soft": 99, "Hard": 99 }
    ]);
    has(&told, "/HostConfig/Ulimits", ulimits);
    has(&told, "/HostConfig/LogConfig/Type", json!("json-file"));
    has(&told, "/HostConfig/LogConfig/Config/max-file", json!("8"));
}

#[test]
fn networks_and_ports_are_named() {
    let port = |host_port, protocol| PublishedPort {
        host_ip: Some([127, 0, 0, 1].into()),
        host_port,
        container_port: 53,
        protocol,
    };
    let told = told(ContainerRun {
        network: NetworkMode::Joined(vec![NetworkRef {
            name: "shop".to_owned(),
            aliases: vec!["web".to_owned()],
            external: false,
            options: Default::default(),
        }]),
        ports: vec![port(Some(5353), Protocol::Udp), port(None, Protocol::Tcp)],
        ..ContainerRun::default()
    });
    has(&told, "/HostConfig/NetworkMode", json!("shop"));
    has(
        &told,
        "/NetworkingConfig/EndpointsConfig/shop/Aliases",
        json!(["web"]),
    );
    let udp = json!([{ "HostIp": "127.0.0.1", "HostPort": "5353" }]);
    has(&told, "/HostConfig/PortBindings/53~1udp", udp);
    has(
        &told,
        "/HostConfig/PortBindings/53~1tcp/0/HostPort",
        json!("0"),
    );
}

#[test]
fn mounts_keep_their_kind_and_their_options() {
    let mount = |target: &str, source| MountSpec {
        target: target.to_owned(),
        source,
        read_only: target == "/code",
    };
    let told = told(ContainerRun {
        mounts: vec![
            mount(
                "/code",
                MountSource::Bind {
                    path: "/srv/code".into(),
                    create: false,
                    propagation: Some("rshared".to_owned()),
                },
            ),
            mount(
                "/cache",
                MountSource::Tmpfs {
                    size: Some(1024),
                    mode: Some(0o700),
                },
            ),
            mount("/scratch", MountSource::AnonymousVolume),
        ],
        ..ContainerRun::default()
    });
    has(&told, "/HostConfig/Mounts/0/Type", json!("bind"));
    has(&told, "/HostConfig/Mounts/0/Source", json!("/srv/code"));
    has(&told, "/HostConfig/Mounts/0/ReadOnly", json!(true));
    has(
        &told,
        "/HostConfig/Mounts/0/BindOptions/Propagation",
        json!("rshared"),
    );
    has(
        &told,
        "/HostConfig/Mounts/1/TmpfsOptions/SizeBytes",
        json!(1024),
    );
    has(
        &told,
        "/HostConfig/Mounts/1/TmpfsOptions/Mode",
        json!(0o700),
    );
    has(&told, "/HostConfig/Mounts/2/Type", json!("volume"));
}

#[test]
fn health_and_security_are_told_in_the_engines_units() {
    let told_with = |healthcheck| {
        told(ContainerRun {
            healthcheck,
            security: SecuritySpec {
                cap_drop: vec!["ALL".to_owned()],
                read_only: true,
                ..SecuritySpec::default()
            },
            devices: vec![DeviceSpec {
                host: "/dev/null".to_owned(),
                container: "/dev/hole".to_owned(),
                permissions: "rw".to_owned(),
            }],
            ..ContainerRun::default()
        })
    };
    let told = told_with(Healthcheck::Command(HealthCommand {
        test: vec!["CMD".to_owned(), "true".to_owned()],
        interval: Some(Duration::from_secs(2)),
        ..HealthCommand::default()
    }));
    has(&told, "/Healthcheck/Test", json!(["CMD", "true"]));
    has(&told, "/Healthcheck/Interval", json!(2_000_000_000));
    has(&told, "/HostConfig/CapDrop", json!(["ALL"]));
    has(&told, "/HostConfig/ReadonlyRootfs", json!(true));
    has(
        &told,
        "/HostConfig/Devices/0/PathInContainer",
        json!("/dev/hole"),
    );
    let told = told_with(Healthcheck::Disabled);
    has(&told, "/Healthcheck/Test", json!(["NONE"]));
}
