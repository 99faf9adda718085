//! What strings mean.

use std::time::Duration;

use landfall_model::env::{Part, Template};
use proptest::prelude::*;

use super::{argv, duration, glob, host, relative, request_path, route_path, signal, size, status};
use super::{regex, template};

#[test]
fn durations_are_numbers_with_units() {
    for (text, millis) in [
        ("30s", 30_000),
        ("250ms", 250),
        ("1m30s", 90_000),
        ("1h 5m", 3_900_000),
        ("1.5s", 1_500),
        ("1d", 86_400_000),
        ("0s", 0),
        (" 2 s ", 2_000),
    ] {
        assert_eq!(duration(text), Ok(Duration::from_millis(millis)), "{text}");
    }
    for bad in [
        "",
        "10",
        "s",
        "-1s",
        "1S",
        "1s-",
        "1 y",
        "1..5s",
        "99999999d",
        "ten",
        "1e3s",
    ] {
        assert!(duration(bad).is_err(), "{bad}");
    }
}

#[test]
fn sizes_are_those_of_compose() {
    for (text, bytes) in [
        ("512M", 512 << 20),
        ("512mb", 512 << 20),
        ("1.5G", 3 << 29),
        ("1k", 1024),
        ("2 KiB", 2048),
        ("7b", 7),
    ] {
        assert_eq!(size(text), Ok(bytes), "{text}");
    }
    for bad in ["", "512", "M", "-1M", "1X", "0M", "1e30T"] {
        assert!(size(bad).is_err(), "{bad}");
    }
}

#[test]
fn statuses_are_numbers_classes_and_ranges() {
    let range = |text: &str| status(text).map(|range| (range.from, range.to)).ok();
    assert_eq!(range("200"), Some((200, 200)));
    assert_eq!(range("2xx"), Some((200, 299)));
    assert_eq!(range("2XX"), Some((200, 299)));
    assert_eq!(range("200-299"), Some((200, 299)));
    for bad in [
        "", "99", "600", "6xx", "0xx", "xx", "22xx", "300-200", "200-", "-", "2x",
    ] {
        assert_eq!(range(bad), None, "{bad}");
    }
}

#[test]
fn a_path_never_leaves_its_directory() {
    for (text, path) in [
        ("a/b", "a/b"),
        ("./a//b/", "a/b"),
        (".", "."),
        ("./", "."),
        ("a/./b", "a/b"),
        ("..a/b..", "..a/b.."),
    ] {
        assert_eq!(relative(text).as_deref(), Ok(path), "{text}");
    }
    for bad in [
        "", " ", "..", "a/..", "/", "/a", "~", "~/a", "a\\b", "C:/a", "a\nb", "../a",
    ] {
        assert!(relative(bad).is_err(), "{bad}");
        assert!(glob(bad).is_err(), "{bad}");
    }
}

#[test]
fn route_paths_are_prefixes_without_a_slash_at_their_end() {
    assert_eq!(route_path("/api/").as_deref(), Ok("/api"));
    assert_eq!(route_path("/").as_deref(), Ok("/"));
    for bad in [
        "",
        "api",
        "/a?b",
        "/a#b",
        "/a*",
        "//",
        "/a//b",
        "/./a",
        "/a/..",
        "/ä",
        "http://x/",
    ] {
        assert!(route_path(bad).is_err(), "{bad}");
    }
    assert!(request_path("/a?b=c&d=%20").is_ok());
}

#[test]
fn hosts_are_names_addresses_and_wildcards() {
    for (text, name) in [
        ("Shop.Example", "shop.example"),
        ("*.shop.example", "*.shop.example"),
        ("localhost", "localhost"),
        ("127.0.0.1", "127.0.0.1"),
        ("::1", "::1"),
        ("[::1]", "[::1]"),
    ] {
        assert_eq!(host(text).as_deref(), Ok(name), "{text}");
    }
    for bad in [
        "", "*", "a..b", "-a", "a b", "a:80", "http://a", "a/b", "*.*.a", "a.*", "a\r\nb",
    ] {
        assert!(host(bad).is_err(), "{bad}");
    }
}

#[test]
fn signals_have_a_short_and_a_long_name() {
    for text in ["SIGTERM", "TERM", "sigterm", "term"] {
        assert_eq!(signal(text).as_deref(), Ok("SIGTERM"));
    }
    assert!(signal("SIGSTOP").is_err() && signal("15").is_err());
}

#[test]
fn commands_are_split_as_a_shell_splits() {
    let words = |text: &str| argv(text).map(|command| command.argv()).ok();
    let expected = Some(vec!["node".to_owned(), "a b".to_owned(), "$X".to_owned()]);
    assert_eq!(words("node 'a b' $X"), expected);
    for bad in ["", "  ", "'", "''", "a \"b"] {
        assert_eq!(words(bad), None, "{bad}");
    }
}

#[test]
fn a_template_refers_only_where_it_says_so() {
    let parts = |text: &str| template(text).map(|(template, _)| template.0).ok();
    assert_eq!(parts("a$b $ $1"), Some(Template::literal("a$b $ $1").0));
    assert_eq!(
        parts("$$ $${x} $$$$"),
        Some(Template::literal("$ ${x} $$").0)
    );
    assert_eq!(parts(""), Some(Template::literal("").0));
    let (found, references) = template("x${service.a.b.port}${commit}$${release}").unwrap();
    assert_eq!(found.0.len(), 4);
    assert_eq!(found.0[1], Part::ServicePort("a.b".parse().unwrap()));
    assert_eq!(references[0].part, 11..14);
    for bad in [
        "${",
        "${}",
        "${x}",
        "${service.a}",
        "${service..port}",
        "${ commit }",
        "${a",
    ] {
        assert_eq!(parts(bad), None, "{bad}");
    }
}

#[test]
fn the_reason_of_a_bad_expression_is_one_line() {
    let problem = regex("a(b").unwrap_err();
    assert_eq!(problem.label, "unclosed group");
}

proptest! {
    #[test]
    fn no_text_makes_any_of_them_panic(text in "\\PC{0,30}") {
        let _ = (duration(&text), size(&text), status(&text), relative(&text), glob(&text));
        let _ = (route_path(&text), host(&text), signal(&text), argv(&text), template(&text));
    }

    #[test]
    fn dollars_and_braces_are_no_danger(text in "[${}.a-z]{0,30}") {
        if let Ok((template, _)) = template(&text) {
            prop_assert!(!template.0.is_empty());
        }
    }
}
