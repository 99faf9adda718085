//! Env files: the dialect of Compose, and what is said about mistakes in them.

use std::collections::BTreeMap;
use std::sync::Arc;

use landfall_config::{Source, dotenv};
use proptest::prelude::*;
use serde_json::Value;

use crate::support::Project;

/// What `docker compose config` of version 2.40 made of these files, with the variables of
/// [`caller`].
const COMPOSE: &str = include_str!("cases/dotenv.json");

fn caller(name: &str) -> Option<String> {
    let value = match name {
        "CALLER" => "from caller",
        "EMPTY" => "",
        "OVER" => "caller",
        _ => return None,
    };
    Some(value.to_owned())
}

fn parsed(text: &str) -> Result<BTreeMap<String, String>, String> {
    let source = Arc::new(Source::new(".env", text));
    match dotenv::parse(&source, &caller) {
        Ok(file) => Ok(file
            .entries
            .into_iter()
            .map(|entry| (entry.name, entry.value))
            .collect()),
        Err(errors) => Err(landfall_config::render(&errors, false, 100)),
    }
}

#[test]
fn values_are_those_of_docker_compose() {
    let cases: Vec<Value> = serde_json::from_str(COMPOSE).unwrap();
    assert!(cases.len() > 50);
    let mut wrong = String::new();
    for case in cases {
        let name = case["name"].as_str().unwrap();
        let ours = parsed(case["text"].as_str().unwrap());
        let theirs = match case.get("values") {
            Some(values) => {
                let values = values.as_object().unwrap().iter();
                // A name without a value that the caller does not have is left out.
                let set = values.filter(|(_, value)| !value.is_null());
                Ok(set
                    .map(|(k, v)| (k.clone(), v.as_str().unwrap().to_owned()))
                    .collect())
            }
            None => Err(case["error"].clone()),
        };
        let same = match (&ours, &theirs) {
            (Ok(ours), Ok(theirs)) => ours == theirs,
            (Err(_), Err(_)) => true,
            _ => false,
        };
        if !same {
            wrong += &format!("{name}\n  ours:   {ours:?}\n  theirs: {theirs:?}\n");
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

#[test]
fn every_mistake_of_a_file_is_said_with_its_line() {
    let text =
        "A=1\nB C=2\nD=${NOT_SET:?set it}\nE$=1\nF=${}\n=x\nG=\"a\"b\nH=${A\nI=\"never\nJ=1\n";
    insta::assert_snapshot!(parsed(text).unwrap_err());
}

const APP: &str = r#"
app = "a"
env_file = ["shared.env", { path = "none.env", required = false }]
env = { B = "app" }
[service.web]
run = "x"
env_file = "web.env"
env = { D = "own" }
"#;

#[test]
fn the_nearest_variable_wins() {
    let project = Project::new(APP)
        .file("shared.env", "A=shared\nB=shared\nC=shared\nD=shared\n")
        .file(
            "web.env",
            "C=web\nD=web\nE=${A:-none} ${service.web.address}\nF=${CALLER:-x}\n",
        );
    let mut request = project.request("local");
    assert!(landfall_config::load(&request).is_err(), "a dot is no name");
    let project = project.file(
        "web.env",
        "C=web\nD=web\nE='${service.web.address}'\nF=$CALLER\n",
    );
    request.variables = BTreeMap::from([("CALLER".to_owned(), "me".to_owned())]);
    let app = landfall_config::load(&request).unwrap();
    let env = &app.spec.services[&"web".parse().unwrap()].env;
    let values: BTreeMap<&str, String> = env
        .iter()
        .map(|(name, value)| {
            (
                name.as_str(),
                format!("{}", serde_json::to_value(value).unwrap()),
            )
        })
        .collect();
    insta::assert_debug_snapshot!(values);
    let files: Vec<_> = app
        .files_read
        .iter()
        .map(|file| file.file_name().unwrap())
        .collect();
    assert_eq!(files, ["landfall.toml", "shared.env", "web.env"]);
    drop(project);
}

#[test]
fn a_file_that_is_needed_and_not_there_is_an_error() {
    insta::assert_snapshot!(Project::new(APP).refused());
}

#[test]
fn d5_no_value_of_an_env_file_is_ever_shown() {
    let project = Project::new("app = \"a\"\nenv_file = \".env\"\nservice.web.run = \"x\"\n")
        .file(".env", "PASSWORD=\"hunter2\nPORT=3000\n");
    let said = project.refused();
    assert!(!said.contains("hunter2"), "{said}");
    insta::assert_snapshot!(said);
    let project = project.file(".env", "PASSWORD=hunter2\nPORT=3000\n");
    let app = project.loaded("local");
    assert!(!format!("{app:?}").contains("hunter2"));
    insta::assert_snapshot!(project.rendered(&app.warnings));
}

proptest! {
    #[test]
    fn no_file_makes_it_panic(text in "[\\x00-\\x7fäß\u{feff}\u{85}]{0,60}") {
        let _ = parsed(&text);
    }

    #[test]
    fn nothing_that_looks_like_an_env_file_makes_it_panic(
        text in "([A-C$ =:\"'\\\\{}#\n\t-]|\\$\\{|:-|:\\?|export |\r\n){0,40}"
    ) {
        let _ = parsed(&text);
    }

    #[test]
    fn a_value_in_single_quotes_is_as_it_is(value in "[^'\\\\\0]{0,40}") {
        let found = parsed(&format!("A='{value}'\n")).unwrap();
        prop_assert_eq!(&found["A"], &value);
    }
}
