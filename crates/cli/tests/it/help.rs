//! Help teaches; what it says is reviewed as a snapshot.

use crate::harness::Test;

const COMMANDS: [&str; 27] = [
    "init",
    "check",
    "config",
    "plan",
    "deploy",
    "adopt",
    "status",
    "releases",
    "rollback",
    "logs",
    "history",
    "report",
    "start",
    "stop",
    "restart",
    "scale",
    "run",
    "attach",
    "cancel",
    "cache",
    "remove",
    "agent",
    "server",
    "demo",
    "schema",
    "completions",
    "help",
];

#[test]
fn help_of_the_whole() {
    let test = Test::new();
    insta::assert_snapshot!("landfall", test.ok(&["--help"]).stdout);
    insta::assert_snapshot!("exit-codes", test.ok(&["help", "exit-codes"]).stdout);
}

#[test]
fn help_of_every_command() {
    let test = Test::new();
    let mut all = String::new();
    for command in COMMANDS {
        let help = test.ok(&["help", command]).stdout;
        assert_eq!(help, test.ok(&[command, "--help"]).stdout, "{command}");
        let own = help.split("\nGlobal options:").next().unwrap();
        all.push_str(&format!(
            "\n==== landfall {command}\n\n{}\n",
            own.trim_end()
        ));
    }
    insta::assert_snapshot!("commands", all);
}

#[test]
fn every_command_is_listed_and_modes_of_its_own_processes_are_not() {
    let test = Test::new();
    let help = test.ok(&["--help"]).stdout;
    for command in COMMANDS {
        assert!(
            help.contains(&format!("\n  {command} ")),
            "{command} is not listed"
        );
    }
    for hidden in ["shim", "proxy "] {
        assert!(
            !help.contains(&format!("\n  {hidden}")),
            "{hidden} is listed"
        );
    }
    assert!(!test.ok(&["help", "agent"]).stdout.contains("\n  run "));
}

#[test]
fn completions_exist_for_the_usual_shells() {
    let test = Test::new();
    for shell in ["bash", "zsh", "fish"] {
        assert!(
            test.ok(&["completions", shell]).stdout.contains("rollback"),
            "{shell}"
        );
    }
}

#[test]
fn the_documented_exit_codes_are_those_of_the_binary() {
    let docs = include_str!("../../../../docs/cli.md");
    let help = Test::new().ok(&["help", "exit-codes"]).stdout;
    for line in help.lines().skip(1) {
        let (code, meaning) = line.trim().split_once("  ").unwrap();
        assert!(
            docs.contains(&format!("| {code} | {meaning} |")),
            "{line} is not in docs/cli.md"
        );
    }
}
