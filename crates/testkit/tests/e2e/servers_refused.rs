//! What cannot be a server is refused before anything is done, and says why.

use landfall_testkit::server::{
    Disk, Kind, OPS_PASSWORD, ServerBox, ServerEngine, ServerSpec, User,
};
use landfall_testkit::{Project, Sandbox, wait_until};
use std::time::Duration;

use crate::laptop::{add, inside, laptop, place, stripped};

/// Nothing of Landfall is on a server.
#[track_caller]
fn untouched(server: &ServerBox<'_>) {
    let found = inside(
        server,
        "ls -d /etc/landfall /usr/local/bin/landfall /usr/local/lib/landfall 2>/dev/null; \
         getent passwd landfall-proxy; getent group landfall; ls -A /home/* /root | grep landfall; true",
    );
    assert_eq!(found, "");
}

#[test]
fn g2_what_cannot_be_a_server_is_refused_for_its_own_reason() {
    let engine = ServerEngine::shared();
    let plain = ServerBox::boot(engine, "rights", Kind::Plain);
    let sandbox = laptop(&plain);

    // Nobody is there to type the password.
    let asked = add(&sandbox, &plain, User::Ops).fails_with(5);
    assert!(
        asked.stderr.contains("asks ops for a password"),
        "{asked:#}"
    );
    // Sudo is not for everyone.
    let with_password =
        |password: &str| laptop(&plain).with_env("LANDFALL_SUDO_PASSWORD", password);
    let refused = add(&with_password(OPS_PASSWORD), &plain, User::Plain).fails_with(5);
    assert!(refused.stderr.contains("sudo"), "{refused:#}");
    let wrong = add(&with_password("wrong"), &plain, User::Ops).fails_with(5);
    assert!(
        wrong.stderr.contains("does not take the password"),
        "{wrong:#}"
    );
    untouched(&plain);

    // Somebody serves already.
    let nginx = "systemd-run --quiet --unit=neighbour perl -MIO::Socket::INET -e \
        'my $s = IO::Socket::INET->new(Listen => 5, LocalPort => 80, ReuseAddr => 1) or die; sleep'";
    inside(&plain, nginx);
    wait_until(Duration::from_secs(20), "the neighbour listens", || {
        inside(&plain, "ss -Hltn 'sport = :80'").contains(":80")
    });
    let held = add(&sandbox, &plain, User::Deploy).fails_with(5);
    assert!(held.stderr.contains("port 80 is held by perl"), "{held:#}");
    assert!(held.stderr.contains("--http"), "{held:#}");
    untouched(&plain);

    // With a password, behind that neighbour.
    let behind = with_password(OPS_PASSWORD);
    let (host, binary) = (plain.host(User::Ops), stripped(&behind));
    let binary = binary.to_str().expect("a path");
    let http = "127.0.0.1:8080";
    let args = [
        "server", "add", &host, "--http", http, "--binary", binary, "--yes",
    ];
    let added = behind.landfall(args).ok();
    assert!(added.stdout.contains("HTTP at 127.0.0.1:8080"), "{added:#}");
    let project = Project::hello(&behind);
    place(&project, &plain);
    project.landfall(&["deploy", "--yes"]).fails_with(6);
    let toml = format!("[environment.behind]\nserver = \"{host}\"");
    project.append(&toml);
    project
        .landfall(&["deploy", "--yes", "--env", "behind"])
        .ok();
    assert!(inside(&plain, "curl -s http://127.0.0.1:8080/version").contains("v1"));
    assert!(inside(&plain, "systemctl is-active neighbour").contains("active"));
}

#[test]
fn g2_a_small_disk_and_a_server_without_systemd_are_refused() {
    let engine = ServerEngine::shared();
    let disk = Disk::Small(200 << 20);
    let kind = Kind::Plain;
    let small = ServerBox::boot_with(engine, "small", ServerSpec { kind, disk });
    let refused = add(&laptop(&small), &small, User::Deploy).fails_with(5);
    assert!(refused.stderr.contains("✗ disk"), "{refused:#}");
    untouched(&small);

    let bare = ServerBox::boot(engine, "bare", Kind::NoSystemd);
    let refused = add(&laptop(&bare), &bare, User::Deploy).fails_with(5);
    assert!(refused.stderr.contains("✗ systemd"), "{refused:#}");
    untouched(&bare);

    // A binary that does not run there.
    let plain = ServerBox::boot(engine, "foreign", Kind::Plain);
    let sandbox = laptop(&plain);
    let foreign = sandbox.dir().join("foreign");
    std::fs::write(&foreign, b"\x7fELF and nothing else").expect("a file");
    let (host, foreign) = (plain.host(User::Deploy), foreign.to_str().expect("a path"));
    let refused = sandbox
        .landfall(["server", "add", &host, "--binary", foreign, "--yes"])
        .fails_with(5);
    assert!(
        refused.stderr.contains("the binary does not run"),
        "{refused:#}"
    );
    untouched(&plain);

    says_what_is_wrong_with_ssh(&plain, &sandbox);
}

/// What ssh complains of has a message of its own each.
fn says_what_is_wrong_with_ssh(server: &ServerBox<'_>, sandbox: &Sandbox) {
    let host = server.host(User::Deploy);
    let missing = sandbox.landfall(["server", "check", &host]).ok();
    assert!(missing.stdout.contains("not installed"), "{missing:#}");
    let project = Project::hello(sandbox);
    place(&project, server);
    let nothing = project.landfall(&["status"]).fails_with(6);
    assert!(
        nothing.stderr.contains("Landfall is not installed on"),
        "{nothing:#}"
    );
    assert!(
        nothing.stderr.contains("landfall server add"),
        "{nothing:#}"
    );

    let with = |options: &str| {
        let ssh = format!("{} {options}", server.ssh_command());
        laptop(server).with_env("LANDFALL_SSH", ssh)
    };
    let unknown = with("-o UserKnownHostsFile=/dev/null -o StrictHostKeyChecking=yes");
    let unknown = unknown.landfall(["server", "check", &host]).fails_with(6);
    assert!(unknown.stderr.contains("is not known"), "{unknown:#}");
    let gone = with("-o Port=1");
    let gone = gone.landfall(["server", "check", &host]).fails_with(6);
    assert!(gone.stderr.contains("cannot be reached"), "{gone:#}");
}
