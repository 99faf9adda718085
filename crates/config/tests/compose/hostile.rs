//! Files that nobody meant well, and files that were cut or mixed up.

use std::sync::LazyLock;
use std::time::{Duration, Instant};

use landfall_config::render;
use proptest::prelude::*;

use crate::support::{Case, Project, cases};

/// Loads, shows what comes out, and takes it as it comes.
fn survives(case: &Case) {
    match case.load() {
        Ok(loaded) => {
            drop(loaded.project.canonical().to_string());
            drop(loaded.project.notes());
            drop(render(&loaded.warnings, false, 100));
        }
        Err(found) => {
            assert!(found.error_count() > 0, "refused without a reason");
            drop(render(&found, false, 100));
            drop(serde_json::to_string(&found).unwrap());
        }
    }
}

fn text_survives(text: impl AsRef<[u8]>) {
    let project = Project::of("");
    std::fs::write(project.path().join("compose.yaml"), text).unwrap();
    survives(&project.case(&[]));
}

/// The files of all cases.
static FILES: LazyLock<Vec<String>> = LazyLock::new(|| {
    let files = cases().into_iter().flat_map(|case| {
        let files = case.files.clone().into_iter();
        files.filter_map(move |file| std::fs::read_to_string(case.directory.join(file)).ok())
    });
    files.filter(|text| text.len() > 60).collect()
});

/// A file of a case with some of its lines taken away, doubled, or taken from other files, and
/// some of its values replaced.
fn mutated() -> impl Strategy<Value = String> {
    let lines: Vec<String> = FILES
        .iter()
        .flat_map(|text| text.lines().map(str::to_owned))
        .collect();
    let values = prop::sample::select(vec![
        "",
        "[]",
        "{}",
        "null",
        "-1",
        "1e400",
        "0x",
        "${",
        "${A:-${B:?x}}",
        "!reset",
        "!override []",
        "*a",
        "&a [*a]",
        "'",
        "\"\\u0000\"",
        "2020-01-01",
        "~",
        "[[[]]]",
        "{a: {b: [c]}}",
        "a:b:c:d",
        "99999999999999999999",
        ".nan",
        "é",
        "!!binary x",
        "<<",
        "- - -",
        "? x",
    ]);
    let change = (
        0..4_u8,
        any::<prop::sample::Index>(),
        prop::sample::select(lines),
        values,
    );
    let file = prop::sample::select(FILES.clone());
    (file, prop::collection::vec(change, 1..6)).prop_map(|(file, changes)| {
        let mut lines: Vec<String> = file.lines().map(str::to_owned).collect();
        for (kind, at, other, value) in changes {
            let at = at.index(lines.len().max(1));
            match (kind, lines.get_mut(at)) {
                (0, Some(_)) => drop(lines.remove(at)),
                (1, Some(line)) => {
                    *line = format!(
                        "{} {value}",
                        line.split(": ")
                            .next()
                            .unwrap_or_default()
                            .trim_end_matches(':')
                            .to_owned()
                            + ":"
                    )
                }
                (2, Some(line)) => *line = other,
                _ => lines.insert(at.min(lines.len()), other),
            }
        }
        lines.join("\n")
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn any_mixture_of_files(text in mutated()) {
        text_survives(text);
    }

    #[test]
    fn any_bytes(bytes in prop::collection::vec(any::<u8>(), 0..120)) {
        text_survives(bytes);
    }

    #[test]
    fn any_text_like_yaml(text in "(services|web|image|&a|\\*a|<<|[-:?!&*\\[\\]{}|>#'\"$, \n]|[a-z0-9]){0,60}") {
        text_survives(text);
    }

    #[test]
    fn any_reference(value in "[$A{}:?+\\-x\n]{0,24}") {
        let value = serde_json::to_string(&value).unwrap();
        text_survives(format!("services: {{web: {{image: a, hostname: {value}}}}}"));
    }

    #[test]
    fn any_short_syntax(
        key in prop::sample::select(vec![
            "ports", "volumes", "devices", "expose", "env_file", "extra_hosts", "environment",
        ]),
        value in "[0-9a-z:/.,~\\[\\]=\\- ]{0,20}",
    ) {
        let value = serde_json::to_string(&value).unwrap();
        text_survives(format!("services: {{web: {{image: a, {key}: [{value}]}}}}"));
    }
}

#[test]
fn a_file_of_aliases_to_aliases_is_refused_at_once() {
    let mut text = "x0: &x0 [a, a, a, a, a, a, a, a, a, a]\n".to_owned();
    for level in 1..12 {
        let aliases = vec![format!("*x{}", level - 1); 10].join(", ");
        text.push_str(&format!("x{level}: &x{level} [{aliases}]\n"));
    }
    let began = Instant::now();
    let refused = Project::of(&text).refused(&[]);
    assert!(refused.contains("aliases make too much"), "{refused}");
    assert!(
        began.elapsed() < Duration::from_secs(20),
        "{:?}",
        began.elapsed()
    );
}

#[test]
fn depth_is_no_danger() {
    text_survives("[".repeat(200_000));
    text_survives("{a: ".repeat(100_000));
    text_survives(
        (0..5_000)
            .map(|n| format!("{}a:\n", " ".repeat(n)))
            .collect::<String>(),
    );
    text_survives(format!(
        "services: {{web: {{image: \"{}\"}}}}",
        "${A:-".repeat(50_000)
    ));
    text_survives("- ".repeat(100_000));
}

#[test]
fn services_that_extend_each_other_in_a_long_chain_are_refused_or_read() {
    let mut text = "services:\n  s0: {image: a}\n".to_owned();
    for n in 1..400 {
        text.push_str(&format!("  s{n}: {{extends: s{}}}\n", n - 1));
    }
    text_survives(text);
    let mut text = "services:\n".to_owned();
    for n in 0..400 {
        text.push_str(&format!("  s{n}: {{extends: s{}}}\n", n + 1));
    }
    text_survives(text + "  s400: {image: a}\n");
}

#[test]
fn files_that_include_others_twice_over_many_levels_are_refused_in_time() {
    let names: Vec<String> = (0..40).map(|n| format!("f{n}.yaml")).collect();
    let mut files: Vec<(&str, String)> = Vec::new();
    for (n, name) in names.iter().enumerate() {
        let next = format!("f{}.yaml", n + 1);
        let text = format!("include: [{next}, {next}]\nservices: {{s{n}: {{image: a}}}}\n");
        files.push((name, text));
    }
    files.push(("f40.yaml", "services: {last: {image: a}}\n".into()));
    let files: Vec<(&str, &str)> = files
        .iter()
        .map(|(name, text)| (*name, text.as_str()))
        .collect();
    let began = Instant::now();
    let refused = Project::new(&files).refused(&["f0.yaml"]);
    assert!(refused.contains("too often"), "{refused}");
    assert!(
        began.elapsed() < Duration::from_secs(60),
        "{:?}",
        began.elapsed()
    );
}

#[test]
fn a_file_with_very_many_mistakes_is_told_about_some_of_them_in_time() {
    let lines = |line: &dyn Fn(usize) -> String| (0..4_000).map(line).collect::<String>();
    let began = Instant::now();
    for text in [
        format!(
            "services:\n  web:\n    image: a\n{}",
            lines(&|n| format!("    k{n}: 1\n"))
        ),
        format!(
            "services:\n  web:\n    image: a\n    depends_on:\n{}",
            lines(&|n| format!("    - s{n}\n"))
        ),
        format!(
            "services:\n  web:\n    image: a\n    cap_add:\n{}",
            lines(&|n| format!("    - c{n}\n"))
        ),
        format!(
            "services:\n  web:\n    image: a\n    labels:\n{}",
            lines(&|n| format!("      l{n}: $V{n}\n"))
        ),
        format!(
            "services:\n{}",
            lines(&|n| format!("  s{n}: {{image: a, depends_on: [t{n}]}}\n"))
        ),
    ] {
        let project = Project::of(&text);
        let found = match project.case(&[]).load() {
            Ok(loaded) => loaded.warnings,
            Err(found) => found,
        };
        assert!(found.0.len() <= 100, "{}", found.0.len());
    }
    assert!(
        began.elapsed() < Duration::from_secs(60),
        "{:?}",
        began.elapsed()
    );
}

#[test]
fn a_file_without_an_end_is_refused() {
    let text = "services: {web: {image: a, env_file: /dev/zero}}\n";
    let refused = Project::of(text).refused(&[]);
    assert!(refused.contains("larger than"), "{refused}");
}

#[test]
fn a_file_that_is_too_large_is_refused() {
    let text = format!("services: {{}}\n#{}", "x".repeat(5 << 20));
    let refused = Project::of(&text).refused(&[]);
    assert!(refused.contains("larger than"), "{refused}");
}
