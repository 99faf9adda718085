//! D6, D7 on servers: environments of one app side by side, and behind a neighbour's web server.

use landfall_testkit::load::LoadPlan;
use landfall_testkit::server::{Kind, ServerBox, ServerEngine, User};
use landfall_testkit::{Output, Project, Sandbox};

use crate::laptop::from_outside;
use crate::laptop::{add, add_with, deployed, environment, http, inside, laptop, place, release};
use crate::live::Live;

const STAGING: &str = r#"
[[environment.staging.route]]
host = "staging.test"
to   = "web"
"#;

/// Makes the hello app another version in both environments.
fn release_both(project: &Project<'_>, server: &ServerBox<'_>, version: &str) {
    release(project, server, version, "good");
    environment(project, "staging", server);
    project.append(STAGING);
}

/// The processes of an environment, by whose user they run as.
fn processes(server: &ServerBox<'_>, environment: &str) -> String {
    let ids = inside(
        server,
        &format!("pgrep -x -u $(getent passwd | grep -o '^lf-hello-{environment}-[^:]*') hello"),
    );
    assert_eq!(ids.lines().count(), 1, "{environment}: {ids}");
    ids
}

#[test]
fn d6_production_and_staging_of_an_app_change_and_go_without_touching_each_other() {
    let server = ServerBox::boot(ServerEngine::shared(), "beside", Kind::Plain);
    let sandbox = laptop(&server);
    // All addresses, on a server that can have sockets of IPv6 and has no address of it.
    add_with(&sandbox, &server, User::Deploy, &["--http", "[::]:80"]).ok();
    let project = deployed(&sandbox, &server);
    release_both(&project, &server, "v1");
    let first = project.landfall(&["deploy", "--yes", "--env", "staging"]);
    assert!(
        first.ok().stdout.contains("= web"),
        "what was built for one is taken for the other"
    );

    let mut live = Live::start_with(&project, "v1", from_outside(&server));
    let plan = LoadPlan::new(http(&server), "staging.test");
    let mut tried = Live::start_with(&project, "v1", plan);
    let before = processes(&server, "production");
    release_both(&project, &server, "v2");
    tried
        .changes_to("v2", &["deploy", "--yes", "--env", "staging"])
        .ok();
    assert_eq!(processes(&server, "production"), before);

    let before = processes(&server, "staging");
    release_both(&project, &server, "v3");
    live.changes_to("v3", &["deploy", "--yes"]).ok();
    live.changes_to("v1", &["rollback", "--yes"]).ok();
    assert_eq!(processes(&server, "staging"), before);
    tried.assert_all_well();

    let before = processes(&server, "production");
    live.unchanged(&["remove", "--yes", "--env", "staging"])
        .ok();
    assert_eq!(inside(&server, "pgrep -xc hello"), "1\n");
    assert_eq!(processes(&server, "production"), before);
    live.assert_all_well();
}

/// What `server add` says that nginx needs: the last of what it prints, indented.
fn told_vhost(added: &Output) -> String {
    let begin = added.stderr.find("    map $http_upgrade");
    let begin = begin.unwrap_or_else(|| panic!("nothing for nginx: {added:#}"));
    added.stderr[begin..].to_owned()
}

#[test]
fn d7_behind_a_neighbours_nginx_an_app_is_deployed_without_losing_a_request() {
    let server = ServerBox::boot(ServerEngine::shared(), "behind", Kind::Nginx);
    let sandbox: Sandbox = laptop(&server);
    let neighbour = inside(&server, "curl -sS http://127.0.0.1/");
    let held = add(&sandbox, &server, User::Deploy).fails_with(5);
    assert!(held.stderr.contains("port 80 is held by nginx"), "{held:#}");
    let http_at = ["--http", "127.0.0.1:8080"];
    let added = add_with(&sandbox, &server, User::Deploy, &http_at).ok();

    let project = Project::hello(&sandbox);
    place(&project, &server);
    project.landfall(&["deploy", "--yes"]).ok();
    project.write("vhost", &told_vhost(&added));
    let vhost = project.dir().join("vhost");
    server.bring(&vhost, "/etc/nginx/conf.d/shop.conf");
    inside(&server, "nginx -q -t && systemctl restart nginx");

    let plan = LoadPlan::new(http(&server), "shop.example");
    let mut live = Live::start_with(&project, "v1", plan);
    release(&project, &server, "v2", "good");
    live.changes_to("v2", &["deploy", "--yes"]).ok();
    live.changes_to("v1", &["rollback", "--yes"]).ok();
    live.assert_all_well();
    assert_eq!(inside(&server, "curl -sS http://127.0.0.1/"), neighbour);
}
