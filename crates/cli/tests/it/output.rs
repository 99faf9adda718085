//! Exit codes and the shape of output: one document on stdout, people on stderr, no colours in a
//! pipe.

use std::io::Read;
use std::process::Stdio;

use crate::harness::Test;

#[test]
fn a_wrong_command_line_is_exit_code_2_in_text_and_in_json() {
    let test = Test::new();
    for args in [
        &["deplyo"][..],
        &["scale"],
        &["scale", "web"],
        &["logs", "--since", "yesterday"],
        &["--env", "UPPER", "status"],
        &["help", "nothing"],
        &["report", "twelve"],
    ] {
        let ran = test.run(args);
        assert_eq!(ran.code, 2, "{args:?}: {}", ran.stderr);
        assert!(ran.stderr.starts_with("error:"), "{args:?}: {}", ran.stderr);
        assert_eq!(ran.stdout, "", "{args:?}");
        let (code, json) = test.json(args);
        assert_eq!(
            (code, json["error"]["kind"].as_str()),
            (2, Some("usage")),
            "{args:?}"
        );
    }
}

#[test]
fn a_command_that_is_nearly_right_gets_the_right_one_suggested() {
    let ran = Test::new().run(&["deplyo"]);
    assert!(ran.stderr.contains("deploy"), "{}", ran.stderr);
}

#[test]
fn colours_are_off_in_a_pipe_and_on_when_asked_for() {
    let test = Test::new();
    for (args, coloured) in [
        (&["plan"][..], false),
        (&["plan", "--color", "always"], true),
        (&["plan", "--color=never"], false),
    ] {
        let ran = test.run(args);
        assert_eq!(ran.stderr.contains('\x1b'), coloured, "{args:?}");
    }
}

#[test]
fn looking_where_nothing_was_deployed_is_no_error_and_starts_nothing() {
    let test = Test::with_site();
    for verb in ["status", "releases", "history", "logs"] {
        let ran = test.ok(&[verb]);
        let said = format!("{}{}", ran.stdout, ran.stderr);
        assert!(said.contains("landfall deploy"), "{verb}: {said}");
    }
    for verb in ["status", "releases", "history"] {
        assert_eq!(test.json(&[verb]).0, 0, "{verb}");
    }
    assert!(
        !test.state().join("system").exists(),
        "an agent was started for a look"
    );
}

#[test]
fn the_schema_of_landfall_toml_is_json() {
    let ran = Test::new().ok(&["schema"]);
    let schema: serde_json::Value = serde_json::from_str(&ran.stdout).unwrap();
    assert!(schema["properties"]["service"].is_object());
}

#[test]
fn a_reader_that_goes_away_ends_a_command_quietly() {
    let test = Test::new();
    let mut child = test
        .command(&["schema"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let mut stderr = String::new();
    child
        .stderr
        .take()
        .unwrap()
        .read_to_string(&mut stderr)
        .unwrap();
    child.wait().unwrap();
    assert_eq!(stderr, "");
}
