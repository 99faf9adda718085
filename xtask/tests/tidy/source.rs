//! Words that must not be in the source.

use crate::{RustFile, none, rust_files};

/// Where `unsafe` may be: system calls that no safe wrapper has.
const UNSAFE: [&str; 3] = [
    "crates/runtime/",
    "crates/proxy/",
    "crates/build/src/process.rs",
];

/// Programs: where printing and exiting are part of the job.
const PROGRAMS: [&str; 4] = ["crates/cli/", "xtask/", "examples/", "bench/"];

/// The longest pause between two looks at a condition, in milliseconds. What is longer waits for
/// time to pass and not for something to happen.
const LOOK_EVERY: u64 = 50;

/// This test names what it forbids.
const SELF: &str = "xtask/tests/tidy/";

fn code(line: &str) -> &str {
    let line = line.trim_start();
    if line.starts_with("//") { "" } else { line }
}

/// Lines of code in these files that hold one of these words.
fn holding<'a>(
    files: impl Iterator<Item = &'a RustFile>,
    words: &[&str],
    shipped_only: bool,
) -> Vec<String> {
    let mut found = Vec::new();
    for file in files.filter(|file| !file.path.starts_with(SELF)) {
        let lines: Vec<&str> = match shipped_only {
            true => file.shipped().collect(),
            false => file.text.lines().collect(),
        };
        for (index, line) in lines.iter().enumerate() {
            if words.iter().any(|word| has_word(code(line), word)) {
                found.push(format!("{}:{}: {}", file.path, index + 1, line.trim()));
            }
        }
    }
    found
}

/// Whether `line` holds `word`, not as the end of a longer name.
fn has_word(line: &str, word: &str) -> bool {
    line.match_indices(word).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        !before.is_some_and(|char| char.is_alphanumeric() || char == '_')
    })
}

fn is_program(file: &RustFile) -> bool {
    file.is_in(&PROGRAMS) || file.path.contains("/examples/")
}

#[test]
fn no_test_is_ignored() {
    none(holding(rust_files().iter(), &["#[ignore"], false));
}

#[test]
fn nothing_is_left_to_be_done() {
    none(holding(
        rust_files().iter(),
        &["todo!", "unimplemented!"],
        false,
    ));
    let marked = |file: &RustFile| {
        let marks = ["TODO", "FIXME", "XXX"];
        let lines = file.text.lines().enumerate();
        lines
            .filter(|(_, line)| line.contains("//") && marks.iter().any(|m| has_word(line, m)))
            .map(|(index, line)| format!("{}:{}: {}", file.path, index + 1, line.trim()))
            .collect::<Vec<_>>()
    };
    let files = rust_files();
    let files = files.iter().filter(|file| !file.path.starts_with(SELF));
    none(files.flat_map(marked).collect());
}

#[test]
fn tests_wait_for_conditions_and_never_for_time_to_pass() {
    let files = rust_files();
    let mut wrong = Vec::new();
    for file in files.iter().filter(|file| file.is_test()) {
        let lines: Vec<&str> = file.text.lines().collect();
        for (index, line) in lines.iter().enumerate() {
            let sleeps = ["thread::sleep(", "time::sleep("]
                .iter()
                .any(|s| line.contains(s));
            let ours = file.path.starts_with(SELF);
            if sleeps && !ours && !is_pause_of_a_loop(&lines[..index], line) {
                wrong.push(format!("{}:{}: {}", file.path, index + 1, line.trim()));
            }
        }
    }
    none(wrong);
}

/// Whether a sleep is the short pause of a loop that looks for something.
fn is_pause_of_a_loop(before: &[&str], line: &str) -> bool {
    let millis = line
        .split_once("from_millis(")
        .and_then(|(_, rest)| rest.split_once(')')?.0.parse::<u64>().ok());
    let near = &before[before.len().saturating_sub(15)..];
    let in_loop = near
        .iter()
        .any(|line| line.trim() == "loop {" || line.trim_start().starts_with("while "));
    in_loop && millis.is_some_and(|millis| millis <= LOOK_EVERY)
}

#[test]
fn only_the_printer_and_tools_print() {
    let files = rust_files();
    let quiet = files.iter().filter(|file| !is_program(file));
    none(holding(
        quiet,
        &["println!", "eprintln!", "print!", "eprint!"],
        true,
    ));
}

#[test]
fn unsafe_code_is_where_system_calls_are() {
    let files = rust_files();
    let safe = files.iter().filter(|file| !file.is_in(&UNSAFE));
    none(holding(
        safe,
        &["unsafe {", "unsafe fn", "unsafe impl", "unsafe extern"],
        true,
    ));
}

#[test]
fn nothing_ends_the_process_but_the_binary() {
    let files = rust_files();
    let libraries = files.iter().filter(|file| !is_program(file));
    none(holding(libraries, &["process::exit("], true));
}
