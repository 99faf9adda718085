//! The registry of keys: what it says is what is read.

use landfall_config::{reference_markdown, schema};
use serde_json::Value;

use crate::support::Project;

/// Services for keys that are about Compose files.
const COMPOSE: &str = "
services:
  composed: { image: x, ports: [\"80:80\"] }
  measured: { image: x, profiles: [metrics] }
";

/// Where a key of a section stands: files in which `KEY` is a line for it. Of several, the first
/// that loads counts: a key may exclude what another one needs.
fn contexts(section: &str) -> Vec<String> {
    let web = |more: &str| {
        format!(
            "app = \"a\"\nroute = [{{ to = \"web\", host = \"shop.example\" }}, {{ to = \"api\", path = \"/api\" }}]\n\
             service.worker.run = \"w\"\nservice.api.run = \"x\"\n{more}"
        )
    };
    match section {
        "app" => vec![
            "KEY\nservice.other.run = \"x\"".to_owned(),
            "app = \"a\"\nKEY\n[service.web]\nrun = \"x\"".to_owned(),
            "app = \"a\"\nKEY".to_owned(),
        ],
        "service" => vec![
            web("[service.web]\nrun = \"x\"\nKEY"),
            web("[service.web]\nKEY"),
            web("[service.web]\nport = 80\nKEY"),
            web("[service.web]\nimage = \"x\"\nport = 80\nKEY"),
            "app = \"a\"\ncompose = \"compose.yaml\"\n[service.composed]\nKEY".to_owned(),
            web(
                "[service.other.build]\nrun = \"x\"\n[service.other]\nrun = \"x\"\n[service.web]\nrun = \"x\"\nKEY",
            ),
        ],
        "route" => vec![
            "app = \"a\"\nservice.web.run = \"x\"\n[[route]]\nto = \"web\"\nKEY".to_owned(),
            "app = \"a\"\nservice.web.run = \"x\"\n[[route]]\nKEY".to_owned(),
        ],
        "task" => vec![
            web("service.web.run = \"x\"\n[task.t]\nservice = \"web\"\nrun = \"x\"\nKEY"),
            web("service.web.run = \"x\"\n[task.t]\nservice = \"web\"\nKEY"),
            web("service.web.run = \"x\"\n[task.t]\nrun = \"x\"\nKEY"),
        ],
        "environment" => vec![
            web("service.web.run = \"y\"\n[environment.local]\nKEY"),
            web("service.web.run = \"y\"\n[environment.local]\nserver = \"a\"\nKEY"),
        ],
        "smoke" => vec![
            web("service.web.run = \"x\"\n[[smoke]]\nget = \"/x\"\nKEY"),
            web("service.web.run = \"x\"\n[[smoke]]\nKEY"),
        ],
        "expect" => vec![web(
            "service.web.run = \"x\"\n[[smoke]]\nget = \"/x\"\n[smoke.expect]\nKEY",
        )],
        "body" => vec![web(
            "service.web.run = \"x\"\n[[smoke]]\nget = \"/x\"\n[smoke.expect.body]\nKEY",
        )],
        "watch" => vec![web("service.web.run = \"x\"\n[watch]\nKEY")],
        "env_file" => vec![
            web("[service.web]\nrun = \"x\"\n[service.web.env_file]\npath = \".env\"\nKEY"),
            web("[service.web]\nrun = \"x\"\n[service.web.env_file]\npath = \"none\"\nKEY"),
            web("[service.web]\nrun = \"x\"\n[service.web.env_file]\nKEY"),
        ],
        "output" => vec![
            web("[service.web]\nrun = \"x\"\n[service.web.build.output]\nfrom = \"a\"\nKEY"),
            web("[service.web]\nrun = \"x\"\n[service.web.build.output]\nKEY"),
        ],
        "compose" => vec![
            "app = \"a\"\n[compose]\nKEY".to_owned(),
            "app = \"a\"\n[compose]\nfiles = [\"compose.yaml\"]\nKEY".to_owned(),
        ],
        "static" => vec![web("[service.web.static]\nKEY")],
        "version" => vec![
            web("service.web.run = \"x\"\n[service.web.version]\nKEY"),
            web("service.web.run = \"x\"\n[service.web.version]\npath = \"/\"\nKEY"),
        ],
        "ready" => vec![
            web("service.web.run = \"x\"\n[service.idle]\nrun = \"x\"\n[service.idle.ready]\nKEY"),
            web("service.web.run = \"x\"\n[service.web.ready]\nKEY"),
            web("service.web.run = \"x\"\n[service.web.ready]\npath = \"/\"\nKEY"),
        ],
        "build" | "stop" | "restart" | "limits" => {
            vec![web(&format!(
                "service.web.run = \"x\"\n[service.web.{section}]\nKEY"
            ))]
        }
        other => panic!("no context for section {other}"),
    }
}

fn json_as_toml(value: &Value) -> String {
    let value: toml::Value = serde_json::from_value(value.clone()).unwrap();
    inline(&value)
}

fn inline(value: &toml::Value) -> String {
    match value {
        toml::Value::Table(table) => {
            let entries = table.iter().map(|(key, value)| {
                format!("{} = {}", toml::Value::String(key.clone()), inline(value))
            });
            format!("{{ {} }}", entries.collect::<Vec<_>>().join(", "))
        }
        toml::Value::Array(items) => {
            let items: Vec<String> = items.iter().map(inline).collect();
            format!("[{}]", items.join(", "))
        }
        scalar => scalar.to_string(),
    }
}

/// Section, key and example of all keys, from the schema.
fn examples() -> Vec<(String, String, Value)> {
    let schema = schema();
    let definitions = schema["$defs"].as_object().unwrap();
    let root = ("app".to_owned(), &schema);
    let sections = definitions
        .iter()
        .map(|(name, section)| (name.clone(), section));
    let mut examples = Vec::new();
    for (name, section) in std::iter::once(root).chain(sections) {
        for (key, property) in section["properties"].as_object().unwrap() {
            let example = property["examples"][0].clone();
            assert!(!example.is_null(), "{name}.{key} has no example");
            examples.push((name.clone(), key.clone(), example));
        }
    }
    examples
}

fn spec_of(toml: &str) -> Result<String, String> {
    let project = Project::new(toml)
        .file(".env", "FROM_FILE=1")
        .file("web.env", "FROM_FILE=1")
        .file("compose.yaml", COMPOSE)
        .file("compose.prod.yaml", "services: {}");
    match project.load("local") {
        Ok(app) => Ok(format!(
            "{:?} {:?} {:?} {:?}",
            app.spec, app.server, app.build_on, app.environments
        )),
        Err(found) => Err(project.rendered(&found)),
    }
}

#[test]
fn the_example_of_every_key_loads_and_changes_something() {
    for (section, key, example) in examples() {
        let line = format!("{key} = {}", json_as_toml(&example));
        let mut said = String::new();
        let works = contexts(&section).iter().any(|context| {
            let with = spec_of(&context.replace("KEY", &line));
            let without = spec_of(&context.replace("KEY", ""));
            match (&with, &without) {
                (Ok(with), Ok(without)) if with == without => {
                    said += "it changes nothing\n";
                    false
                }
                (Ok(_), _) => true,
                (Err(error), _) => {
                    said += error;
                    false
                }
            }
        });
        assert!(works, "[{section}] {line}:\n{said}");
    }
}

#[test]
fn the_reference_is_generated() {
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../docs/reference/landfall.toml.md"
    );
    let generated = reference_markdown();
    if std::env::var_os("LANDFALL_GENERATE").is_some() {
        std::fs::write(path, &generated).unwrap();
    }
    let written = std::fs::read_to_string(path).unwrap();
    assert!(
        written == generated,
        "docs/reference/landfall.toml.md is old: run this test with LANDFALL_GENERATE=1"
    );
}

#[test]
fn every_key_is_in_the_reference() {
    let reference = reference_markdown();
    for (section, key, _) in examples() {
        assert!(
            reference.contains(&format!("### `{key}`")),
            "{section}.{key}"
        );
    }
}

#[test]
fn the_examples_of_the_project_load() {
    let examples = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples");
    let mut seen = 0;
    for entry in std::fs::read_dir(examples).unwrap() {
        let file = entry.unwrap().path().join("landfall.toml");
        if !file.is_file() {
            continue;
        }
        seen += 1;
        let mut request = landfall_config::LoadRequest::new(&file, "local".parse().unwrap());
        // What people copy to `.env`.
        let given = std::fs::read_to_string(file.with_file_name(".env.example"));
        let given = given.unwrap_or_default();
        let pairs = given.lines().filter_map(|line| line.split_once('='));
        request.variables = pairs.map(|(k, v)| (k.to_owned(), v.to_owned())).collect();
        if let Err(found) = landfall_config::load(&request) {
            panic!("{}", landfall_config::render(&found, false, 100));
        }
    }
    assert!(seen > 0);
}
