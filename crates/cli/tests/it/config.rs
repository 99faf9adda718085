//! Mistakes in landfall.toml, and writing the first one.

use crate::harness::{Test, exists, ran};

#[test]
fn every_mistake_is_shown_at_once_with_its_place_and_its_fix() {
    let test = Test::new();
    test.write(
        "landfall.toml",
        "app = \"shop\"\n[service.web]\nrunn = \"node server.js\"\n[[route]]\nto = \"api\"\n",
    );
    let ran = test.run(&["deploy"]);
    assert_eq!(ran.code, 2);
    assert_eq!(ran.stdout, "");
    for part in [
        "landfall.toml:3",
        "runn",
        "run",
        "api",
        "errors in the configuration",
    ] {
        assert!(
            ran.stderr.contains(part),
            "{part:?} is missing in:\n{}",
            ran.stderr
        );
    }
    assert!(
        !exists(&test.state()),
        "an agent was started for a broken file"
    );
    let (code, json) = test.json(&["check"]);
    assert_eq!((code, json["error"]["kind"].as_str()), (2, Some("config")));
    let found = json["error"]["diagnostics"].as_array().unwrap();
    let lines: Vec<_> = found.iter().map(|one| &one["labels"][0]["line"]).collect();
    assert!(lines.iter().any(|line| **line == 3), "{lines:?}");
    assert!(lines.iter().any(|line| **line == 5), "{lines:?}");
}

#[test]
fn a_directory_without_an_app_is_told_how_to_get_one() {
    let ran = Test::new().run(&["plan"]);
    assert_eq!(ran.code, 2);
    assert!(ran.stderr.contains("no landfall.toml"), "{}", ran.stderr);
    assert!(ran.stderr.contains("landfall init"), "{}", ran.stderr);
}

#[test]
fn a_server_that_cannot_be_reached_is_said_with_what_to_do() {
    let test = Test::with_site();
    let toml =
        test.read("landfall.toml") + "[environment.production]\nserver = \"ada@192.0.2.1\"\n";
    test.write("landfall.toml", &toml);
    let mut command = test.command(&["deploy", "--env", "production"]);
    let ran = ran(command
        .env("LANDFALL_SSH", "/no/such/ssh")
        .output()
        .unwrap());
    assert_eq!(ran.code, 6);
    assert!(
        ran.stderr.contains("failed to run /no/such/ssh"),
        "{}",
        ran.stderr
    );
    assert!(ran.stderr.contains("OpenSSH"), "{}", ran.stderr);
}

#[test]
fn init_writes_a_file_that_is_good_and_says_what_it_took() {
    let test = Test::new();
    test.write("Procfile", "web: ./serve --port $PORT\n");
    let shown = test.ok(&["init", "--print"]);
    assert!(!exists(&test.app().join("landfall.toml")));
    let ran = test.ok(&["init"]);
    assert!(ran.stdout.contains("Procfile"), "{}", ran.stdout);
    assert_eq!(test.read("landfall.toml"), shown.stdout);
    test.ok(&["check"]);
}

#[test]
fn init_never_overwrites() {
    let test = Test::new();
    test.write("Procfile", "web: ./serve\n");
    test.write("landfall.toml", "app = \"mine\"\n");
    let ran = test.run(&["init"]);
    assert_eq!(ran.code, 2);
    assert!(ran.stderr.contains("exists already"), "{}", ran.stderr);
    assert_eq!(test.read("landfall.toml"), "app = \"mine\"\n");
}

#[test]
fn compose_files_are_shown_with_places_and_with_what_is_not_carried_out() {
    let test = Test::new();
    test.write(
        "compose.yaml",
        "services:\n  web:\n    image: app:${TAG:-1}\n    ports: [\"8080:80\"]\n    attach: false\n",
    );
    test.write(
        "prod.yaml",
        "services:\n  web: {restart: always}\n  db: {image: db}\n",
    );
    let ran = test.ok(&["config", "-f", "compose.yaml", "-f", "prod.yaml"]);
    for part in [
        "web  compose.yaml:2",
        "image       app:1",
        "8080 → 80",
        "restart     always",
        "services.web.attach (compose.yaml:5)",
    ] {
        assert!(
            ran.stdout.contains(part),
            "{part:?} is missing in:\n{}",
            ran.stdout
        );
    }
    let (code, json) = test.json(&["config"]);
    assert_eq!(
        (code, json["services"]["web"]["image"].as_str()),
        (0, Some("app:1"))
    );
    assert!(json["services"].get("db").is_none());
    assert!(
        !exists(&test.state()),
        "an agent was started for looking at files"
    );
}

#[test]
fn mistakes_in_compose_files_end_with_the_code_for_wrong_files() {
    let test = Test::new();
    test.write(
        "compose.yaml",
        "services:\n  web: {image: app, prots: [80]}\n",
    );
    let ran = test.run(&["config"]);
    assert_eq!((ran.code, ran.stdout.as_str()), (2, ""));
    for part in [
        "compose.yaml:2:21",
        "did you mean `ports`?",
        "1 error in the configuration",
    ] {
        assert!(
            ran.stderr.contains(part),
            "{part:?} is missing in:\n{}",
            ran.stderr
        );
    }
}
