//! A key that is limited to one environment, against a real agent.

use std::io::{Read, Write};
use std::os::unix::net::UnixListener;

use serde_json::Value;

use crate::harness::Test;
use crate::server::{Key, Server};

#[test]
fn g5_a_limited_key_does_all_that_its_environment_needs() {
    let test = Test::with_site();
    let server = Server::of(&test);
    let run = |args: &[&str]| server.ok(Key::Limited, "production", args);
    run(&["plan"]);
    run(&["deploy"]);
    test.write("dist/index.html", "<h1>two</h1>\n");
    let deployed = server.json(Key::Limited, "production", &["deploy"]);
    assert_eq!(deployed["outcome"], "succeeded", "{deployed}");
    run(&["deploy"]);
    run(&["rollback"]);
    run(&["restart"]);
    run(&["logs"]);
    run(&["releases"]);
    run(&["history"]);
    run(&["attach", "1"]);
    assert!(run(&["report", "1"]).stdout.starts_with("# "));
    let status = server.json(Key::Limited, "production", &["status"]);
    assert_eq!(status["release"]["number"], 1);
}

#[test]
fn g5_a_limited_key_has_its_builds_made_there_and_brings_less_the_second_time() {
    let test = Test::with_site();
    test.edit("build = { inputs", "build = { shell = \"true\", inputs");
    let server = Server::of(&test);
    let deploy = ["deploy", "--build-on", "server"];
    let said = server.ok(Key::Limited, "production", &deploy).stdout;
    assert!(said.contains("✓ sources"), "{said}");
    let refused = server.run(Key::Limited, "staging", &deploy);
    assert_eq!(refused.code, 5, "{}", refused.stderr);
}

#[test]
fn g5_a_limited_key_is_refused_everything_else_and_told_what_it_may() {
    let test = Test::with_site();
    let server = Server::of(&test);
    server.ok(Key::Full, "staging", &["deploy"]);
    server.ok(Key::Limited, "production", &["deploy"]);
    let refused = |environment, args: &[&str]| {
        let ran = server.run(Key::Limited, environment, args);
        assert_eq!(ran.code, 5, "{args:?}: {}{}", ran.stdout, ran.stderr);
        let says = "this key is limited to site/production";
        assert!(ran.stderr.contains(says), "{args:?}: {}", ran.stderr);
    };
    for args in [
        &["deploy"][..],
        &["plan"],
        &["status"],
        &["rollback"],
        &["logs"],
        &["releases"],
        &["history"],
    ] {
        refused("staging", args);
    }
    for args in [
        &["status", "--all"][..],
        // The deployment of the other environment.
        &["report", "1"],
        &["attach", "1"],
        &["cancel", "1"],
        &["report", "99"],
        &["stop", "--yes"],
        &["remove", "--yes"],
    ] {
        refused("production", args);
    }
    server.ok(Key::Full, "staging", &["report", "1"]);
}

#[test]
fn g5_a_limited_connection_is_refused_every_route_that_is_not_listed() {
    let test = Test::with_site();
    let server = Server::of(&test);
    let (_, described) = server.ask("GET", "/v1/openapi.json", "");
    let described: Value = serde_json::from_str(&described).unwrap();
    let mut asked = 0;
    for (path, methods) in described["paths"].as_object().unwrap() {
        for method in methods.as_object().unwrap().keys() {
            let method = method.to_uppercase();
            // Another environment, and a deployment that is not there.
            let named = path
                .replace("{app}", "other")
                .replace("{environment}", "production")
                .replace("{id}", "1")
                .replace("{digest}", &"0".repeat(64));
            let body = r#"{"app":"other","environment":"production","supersede":false,"by":"me",
                "intent":{"type":"restart","services":[]}}"#;
            let (status, said) = server.ask_limited(&method, &named, body);
            let is_about_none = path == "/v1/agent" || path.starts_with("/v1/trees/");
            assert_eq!(status != 403, is_about_none, "{method} {named}: {said}");
            if status == 403 {
                let error: Value = serde_json::from_str(&said).unwrap();
                assert_eq!(error["code"], "forbidden", "{said}");
            }
            asked += 1;
        }
    }
    assert!(asked > 20, "{asked}");
    for (method, path) in [
        ("GET", "/v1/openapi.json"),
        ("GET", "/v1/nothing"),
        ("POST", "/v1/agent"),
        ("HEAD", "/v1/environments"),
        ("GET", "/v1/environments/site%2Fproduction/x"),
        ("POST", "/v1/limit?app=other&environment=production"),
    ] {
        let (status, said) = server.ask_limited(method, path, "");
        assert_eq!(status, 403, "{method} {path}: {said}");
    }
}

#[test]
fn g5_a_connection_is_limited_by_an_upgrade_and_by_nothing_else() {
    let test = Test::with_site();
    let server = Server::of(&test);
    let (status, said) = server.ask("POST", "/v1/limit?app=site&environment=production", "");
    assert_eq!(status, 400, "{said}");
    assert!(said.contains("Upgrade: landfall-limited"), "{said}");
    let ran = test.run(&["dial-stdio", "--only", "production"]);
    assert_eq!(ran.code, 2, "{}", ran.stderr);
}

#[test]
fn g5_nothing_is_let_through_to_an_agent_that_knows_no_limits() {
    let test = Test::new();
    std::fs::create_dir_all(test.state().join("run")).unwrap();
    let listener = UnixListener::bind(test.state().join("run/agent.sock")).unwrap();
    let old = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut asked = [0; 4096];
        let read = stream.read(&mut asked).unwrap();
        let answer = "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n";
        stream.write_all(answer.as_bytes()).unwrap();
        let mut rest = String::new();
        stream.read_to_string(&mut rest).unwrap();
        (String::from_utf8_lossy(&asked[..read]).into_owned(), rest)
    });
    let ran = test.run(&["dial-stdio", "--only", "site/production"]);
    assert_eq!((ran.code, ran.stdout.as_str()), (5, ""), "{}", ran.stderr);
    assert!(ran.stderr.contains("older"), "{}", ran.stderr);
    let (asked, rest) = old.join().unwrap();
    assert!(asked.starts_with("POST /v1/limit?"), "{asked}");
    assert_eq!(rest, "");
}
