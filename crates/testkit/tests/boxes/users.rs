//! Who gets in, and what they may do.

use landfall_testkit::server::{Kind, OPS_PASSWORD, ServerBox, ServerEngine, User};

#[test]
fn a_box_runs_systemd_and_lets_its_users_in_with_their_rights() {
    let server = ServerBox::boot(ServerEngine::shared(), "users", Kind::Plain);
    let state = server.exec(&["systemctl", "is-system-running"]).ok();
    assert_eq!(state.stdout, "running\n");
    let init = server.ssh(User::Root, "cat /proc/1/comm; hostname").ok();
    assert_eq!(init.stdout, "systemd\nusers\n");

    let who = server.ssh(User::Deploy, "id -un; sudo -n id -un").ok();
    assert_eq!(who.stdout, "deploy\nroot\n");
    let asked = server.ssh(User::Ops, "sudo -n true").failed();
    assert!(asked.stderr.contains("a password is required"), "{asked}");
    let with_password = |user| {
        let script = format!("echo {OPS_PASSWORD} | sudo -S -p '' id -un");
        server.ssh(user, &script)
    };
    assert_eq!(with_password(User::Ops).ok().stdout, "root\n");
    with_password(User::Plain).failed();
}

#[test]
fn only_the_right_key_and_the_right_host_key_connect() {
    let server = ServerBox::boot(ServerEngine::shared(), "keys", Kind::NoSystemd);
    let init = server.ssh(User::Plain, "cat /proc/1/comm").ok();
    assert_eq!(init.stdout, "sshd\n");

    let command = server.ssh_command();
    let mut words = command.split(' ');
    let mut ssh = std::process::Command::new(words.next().expect("a program"));
    ssh.args(words).args(["-o", "BatchMode=yes", "-v"]);
    let no_key = [
        "-o",
        "PubkeyAuthentication=no",
        &server.host(User::Root),
        "true",
    ];
    let refused = ssh.args(no_key).output().expect("ssh");
    let said = String::from_utf8_lossy(&refused.stderr);
    assert!(said.contains("Permission denied (publickey)"), "{said}");

    // As if another machine answered at its address.
    let rekey = "rm /etc/ssh/ssh_host_*; box-prepare; kill -HUP 1";
    server.exec(&["sh", "-c", rekey]).ok();
    let refused =
        landfall_testkit::wait_for(std::time::Duration::from_secs(30), "a refusal", || {
            let output = server.ssh(User::Root, "true");
            output
                .stderr
                .contains("REMOTE HOST IDENTIFICATION")
                .then_some(output)
        });
    assert_eq!(refused.code, Some(255));
}
