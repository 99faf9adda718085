//! Logs are framed, rotated and bounded.

use super::*;
use crate::log_files::{list, parse};

fn piece(text: &str) -> Piece<'_> {
    Piece {
        bytes: text.as_bytes(),
        partial: false,
    }
}

fn all_text(dir: &Path) -> Vec<String> {
    let mut lines = Vec::new();
    for number in list(dir).expect("a log") {
        let content = std::fs::read(log_files::path(dir, number)).expect("a file");
        assert!(
            content.is_empty() || content.ends_with(b"\n"),
            "a file ends within a line"
        );
        for line in content
            .split(|&byte| byte == b'\n')
            .filter(|line| !line.is_empty())
        {
            let line = parse(line).expect("a line of the log's form");
            lines.push(String::from_utf8_lossy(line.text).into_owned());
        }
    }
    lines
}

#[test]
fn no_line_is_lost_where_files_meet_and_the_bound_holds() {
    let dir = tempfile::tempdir().expect("a directory");
    let spec = LogSpec {
        max_file_bytes: 1000,
        max_files: 4,
    };
    let mut log = LogWriter::open(dir.path().join("log"), spec).expect("a log");
    for number in 0..500 {
        log.piece(
            &Stamp::now(),
            Stream::Stdout,
            piece(&format!("line {number}")),
        );
        if number % 7 == 0 {
            log.flush();
        }
    }
    log.flush();
    let lines = all_text(&dir.path().join("log"));
    let expected: Vec<String> = (500 - lines.len()..500)
        .map(|n| format!("line {n}"))
        .collect();
    assert_eq!(lines, expected);
    let files = list(&dir.path().join("log")).expect("a log");
    assert!(
        files.len() <= 4 && lines.len() > 40,
        "{files:?}, {} lines",
        lines.len()
    );
    for number in files {
        let path = log_files::path(&dir.path().join("log"), number);
        assert!(path.metadata().expect("a file").len() <= 1000);
    }
}

#[test]
fn half_a_line_left_by_a_killed_shim_is_cut_off() {
    let dir = tempfile::tempdir().expect("a directory");
    let mut log = LogWriter::open(dir.path().to_owned(), LogSpec::default()).expect("a log");
    log.piece(&Stamp::now(), Stream::Stdout, piece("whole"));
    log.flush();
    let path = log_files::path(dir.path(), 1);
    let mut content = std::fs::read(&path).expect("a file");
    content.extend_from_slice(&[b'x'; 2000]);
    std::fs::write(&path, content).expect("a write");

    let mut log = LogWriter::open(dir.path().to_owned(), LogSpec::default()).expect("a log");
    log.piece(&Stamp::now(), Stream::Stdout, piece("next"));
    log.flush();
    assert_eq!(all_text(dir.path()), ["whole", "next"]);
}

#[test]
fn lines_that_cannot_be_written_are_dropped_counted_and_told_of() {
    let dir = tempfile::tempdir().expect("a directory");
    let mut log = LogWriter::open(dir.path().to_owned(), LogSpec::default()).expect("a log");
    log.piece(&Stamp::now(), Stream::Stdout, piece("before"));
    log.flush();
    // A full disk, as the kernel has one at hand.
    let file = log.file.replace(
        OpenOptions::new()
            .write(true)
            .open("/dev/full")
            .expect("full"),
    );
    for _ in 0..3 {
        log.piece(&Stamp::now(), Stream::Stdout, piece("lost"));
        log.flush();
    }
    log.file = file;
    log.piece(&Stamp::now(), Stream::Stdout, piece("after"));
    log.flush();
    let lines = all_text(dir.path());
    assert_eq!(lines.len(), 3, "{lines:?}");
    assert!(
        lines[1].starts_with("dropped 3 lines that could not be written"),
        "{lines:?}"
    );
    assert_eq!((lines[0].as_str(), lines[2].as_str()), ("before", "after"));
}
