//! Files that nobody meant well.

use landfall_config::init;
use proptest::prelude::*;

use crate::support::Project;

/// Loads, renders, and takes both as they come.
fn survives(toml: &str) {
    let project = Project::new(toml);
    match project.load("local") {
        Ok(app) => drop(serde_json::to_string(&app.spec).unwrap()),
        Err(found) => {
            assert!(
                found.error_count() > 0,
                "refused without a reason: {toml:?}"
            );
            drop(project.rendered(&found));
            drop(serde_json::to_string(&found).unwrap());
        }
    }
}

/// Every key there is, with values of all kinds.
fn document() -> impl Strategy<Value = String> {
    let schema = landfall_config::schema();
    let mut keys: Vec<String> = vec![
        "x".to_owned(),
        "\"\"".to_owned(),
        "\"a\\u0000b\"".to_owned(),
    ];
    let sections = schema["$defs"]
        .as_object()
        .unwrap()
        .values()
        .chain([&schema]);
    for section in sections {
        keys.extend(section["properties"].as_object().unwrap().keys().cloned());
    }
    let scalars = prop::sample::select(vec![
        "1",
        "-1",
        "1.5",
        "true",
        "\"\"",
        "\"x\"",
        "\"web\"",
        "\"/a\"",
        "\"10s\"",
        "\"${x\"",
        "\"${service.web.port}\"",
        "\"é\\u0000\"",
        "[]",
        "{}",
        "2020-01-01",
        "'''\n$'''",
        "0x1f",
        "99999999999999999999",
        "nan",
        "\"**/[\"",
        "\"..\"",
        "\"2xx\"",
        "\"node 'x\"",
        "[[[]]]",
    ]);
    let headers = prop::sample::select(vec![
        "",
        "[service.web]\n",
        "[service.web.ready]\n",
        "[[route]]\n",
        "[[smoke]]\n",
        "[task.t]\n",
        "[service.web.build]\n",
        "[environment.local.service.web]\n",
        "[environment.local]\n",
        "[service.web.static]\n",
        "[watch]\n",
        "[env]\n",
        "[service.web.version]\n",
        "[smoke.expect]\n",
        "[[environment.a.smoke]]\n",
        "[service]\n",
    ]);
    let line = (headers, prop::sample::select(keys), scalars)
        .prop_map(|(header, key, value)| format!("{header}{key} = {value}\n"));
    prop::collection::vec(line, 0..8).prop_map(|lines| lines.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn any_keys_with_any_values(toml in document()) {
        survives(&format!("app = \"a\"\n{toml}"));
    }

    #[test]
    fn any_text(toml in "[ -~\nä\u{85}\\[\\]{}\"'=.#]{0,80}") {
        survives(&toml);
    }

    #[test]
    fn any_ecosystem_file(js in "(module\\.exports = |apps: |script: |[a-z{}\\[\\]:,;'\"`$/*\\\\ \n.()]){0,60}") {
        let project = Project::empty().file("ecosystem.config.js", format!("module.exports = {{{js}"));
        let _ = init::detect(&project.path());
    }

    #[test]
    fn any_file_for_init(text in "[ -~\nä]{0,60}") {
        for file in ["Procfile", "package.json", "pyproject.toml", "Cargo.toml", "manage.py"] {
            let project = Project::empty().file(file, &text);
            if let Ok(proposal) = init::detect(&project.path()) {
                survives(&proposal.toml);
            }
        }
    }
}

#[test]
fn depth_is_no_danger() {
    survives(&format!("app = {}", "[".repeat(100_000)));
    survives(&format!("{}a = 1", "a.".repeat(100_000)));
    let chain: String = (0..4000)
        .map(|i| {
            format!(
                "service.s{i} = {{ run = \"x\", needs = [\"s{}\"] }}\n",
                i + 1
            )
        })
        .collect();
    survives(&format!("app = \"a\"\n{chain}service.s4000.run = \"x\"\n"));
}
