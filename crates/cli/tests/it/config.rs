//! Mistakes in landfall.toml, and writing the first one.

use crate::harness::{Test, exists};

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
fn an_environment_on_a_server_is_refused_with_what_works() {
    let test = Test::with_site();
    let toml =
        test.read("landfall.toml") + "[environment.production]\nserver = \"ada@192.0.2.1\"\n";
    test.write("landfall.toml", &toml);
    let ran = test.run(&["deploy", "--env", "production"]);
    assert_eq!(ran.code, 2);
    assert!(ran.stderr.contains("ada@192.0.2.1"), "{}", ran.stderr);
    assert!(ran.stderr.contains("--env local"), "{}", ran.stderr);
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
