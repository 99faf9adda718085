//! Power, cables, hangs and disks.

use std::net::TcpStream;
use std::time::Duration;

use landfall_testkit::server::{Disk, Kind, ServerBox, ServerEngine, ServerSpec, User};

const SMALL: u64 = 16 << 20;

fn answers(server: &ServerBox<'_>) -> bool {
    let address = (server.address(), 22).into();
    TcpStream::connect_timeout(&address, Duration::from_secs(1)).is_ok()
}

#[test]
fn what_is_on_disk_outlives_a_power_cut_and_a_reboot() {
    let disk = Disk::Small(SMALL);
    let spec = ServerSpec {
        kind: Kind::Plain,
        disk,
    };
    let server = ServerBox::boot_with(ServerEngine::shared(), "power", spec);
    let address = server.address();
    let write = "echo kept >/var/lib/landfall/file; echo kept >/etc/file; echo lost >/run/file; \
        systemd-run --quiet sleep 1000";
    server.ssh(User::Root, write).ok();

    server.power_cut();
    assert!(!answers(&server));
    server.power_on();
    assert_eq!(server.address(), address);
    let read = "cat /var/lib/landfall/file /etc/file; ls /run/file || pgrep -x sleep";
    assert_eq!(server.ssh(User::Root, read).failed().stdout, "kept\nkept\n");

    let boot = "cat /proc/1/stat | cut -d' ' -f22";
    let before = server.exec(&["sh", "-c", boot]).ok().stdout;
    server.reboot();
    assert_ne!(server.exec(&["sh", "-c", boot]).ok().stdout, before);
    assert_eq!(server.ssh(User::Root, read).failed().stdout, "kept\nkept\n");
}

#[test]
fn a_pulled_cable_and_a_hang_cut_ssh_until_they_end() {
    let server = ServerBox::boot(ServerEngine::shared(), "cable", Kind::Plain);

    server.unplug();
    assert_eq!(server.ssh(User::Deploy, "true").code, Some(255));
    assert!(!answers(&server));
    assert_eq!(server.exec(&["echo", "inside"]).ok().stdout, "inside\n");
    server.plug_in();
    server.ssh(User::Deploy, "true").ok();

    server.freeze();
    assert!(answers(&server), "its kernel is not frozen");
    assert_eq!(server.ssh(User::Deploy, "true").code, Some(255));
    server.thaw();
    server.ssh(User::Deploy, "true").ok();
}

#[test]
fn a_small_disk_fills_and_empties() {
    let disk = Disk::Small(SMALL);
    let kind = Kind::NoSystemd;
    let server = ServerBox::boot_with(ServerEngine::shared(), "disk", ServerSpec { kind, disk });
    let write = |bytes: u64| {
        let path = "/var/lib/landfall/file";
        server.ssh(
            User::Root,
            &format!("head -c {bytes} /dev/zero >{path} && ls /var/lib/landfall"),
        )
    };

    server.fill_disk(100_000);
    let full = write(200_000).failed();
    assert!(full.stderr.contains("No space left on device"), "{full}");
    assert_eq!(write(50_000).ok().stdout, "file\n");
    server.empty_disk();
    write(8 << 20).ok();
}
