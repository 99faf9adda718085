//! Files of a release, and nothing else of the disk.

use std::os::unix::fs::symlink;

use landfall_model::ReleaseNumber;
use landfall_model::snapshot::Files;

use crate::harness::*;

/// A site of files: pages, assets, compressed siblings, and traps.
fn files_site() -> (Site, Proxy) {
    let site = Site::new();
    let root = site.path().join("root");
    let write = |path: &str, content: &str| {
        let path = root.join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, content).unwrap();
    };
    write("index.html", "<html>home");
    write("app.js", "plain();");
    write("app.js.br", "BR");
    write("app.js.gz", "GZ");
    write("assets/x.1234.css", "0123456789");
    write("assets/page.html", "page");
    write("docs/index.html", "<html>docs");
    write("with space.txt", "space");
    write(".env", "SECRET");
    write("empty/nothing.txt", "");
    std::fs::write(site.path().join("outside.txt"), "OUTSIDE").unwrap();
    symlink("app.js", root.join("inner.js")).unwrap();
    symlink("../outside.txt", root.join("escape.txt")).unwrap();
    symlink(site.path().join("outside.txt"), root.join("absolute.txt")).unwrap();
    symlink("..", root.join("up")).unwrap();
    rustix::fs::mknodat(
        rustix::fs::CWD,
        root.join("fifo"),
        rustix::fs::FileType::Fifo,
        rustix::fs::Mode::RWXU,
        0,
    )
    .unwrap();
    let proxy = site.start();
    let files = Files {
        root: root.to_str().unwrap().to_owned(),
        release: ReleaseNumber(7),
        fallback: Some("index.html".to_owned()),
        immutable: vec!["assets/**".to_owned()],
    };
    proxy.put(&site.snapshot(1, vec![file_table(7, files)]));
    (site, proxy)
}

#[test]
fn files_are_served_with_type_tag_and_caching() {
    let (_site, proxy) = files_site();
    let response = proxy.get("/");
    assert_eq!(response.text(), "<html>home");
    assert_eq!(
        response.header("content-type"),
        Some("text/html; charset=utf-8")
    );
    assert_eq!(response.header("cache-control"), Some("no-cache"));
    let tag = response.header("etag").unwrap().to_owned();
    for tags in [tag.clone(), format!("\"x\", W/{tag}"), "*".to_owned()] {
        let response = proxy.get_with("/", &format!("if-none-match: {tags}\r\n"));
        assert_eq!((response.status, response.body.len()), (304, 0));
        assert_eq!(response.header("etag"), Some(tag.as_str()));
    }
    assert_eq!(proxy.get_with("/", "if-none-match: \"x\"\r\n").status, 200);
    let asset = proxy.get("/assets/x.1234.css");
    assert_eq!(
        asset.header("cache-control"),
        Some("public, max-age=31536000, immutable")
    );
    let page = proxy.get("/assets/page.html");
    assert_eq!(page.header("cache-control"), Some("no-cache"));
    assert_eq!(proxy.get("/docs/").text(), "<html>docs");
    let redirect = proxy.get("/docs?a=b");
    assert_eq!(
        (redirect.status, redirect.header("location")),
        (308, Some("/docs/?a=b"))
    );
    assert_eq!(proxy.get("//docs").header("location"), Some("/docs/"));
    assert_eq!(proxy.get("/with%20space.txt").text(), "space");
    assert_eq!(proxy.get("/inner.js").text(), "plain();");
    assert_eq!(
        proxy.get("/empty/nothing.txt").header("content-length"),
        Some("0")
    );
    let mut conn = proxy.connect();
    let head = conn.request("HEAD /app.js HTTP/1.1\r\nhost: a\r\n\r\n");
    assert_eq!(head.header("content-length"), Some("8"));
    let post = conn.request("POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 0\r\n\r\n");
    assert_eq!(
        (post.status, post.header("allow")),
        (405, Some("GET, HEAD"))
    );
    let stamped = proxy.get_with("/", &format!("landfall-probe: {PROBE}\r\n"));
    assert_eq!(stamped.header("landfall-release"), Some("7"));
}

#[test]
fn compressed_siblings_are_preferred() {
    let (_site, proxy) = files_site();
    let mut tags = Vec::new();
    for (accepted, encoding, body) in [
        ("gzip, br", Some("br"), "BR"),
        ("gzip, br;q=0", Some("gzip"), "GZ"),
        ("identity", None, "plain();"),
    ] {
        let response = proxy.get_with("/app.js", &format!("accept-encoding: {accepted}\r\n"));
        assert_eq!(response.header("content-encoding"), encoding);
        assert_eq!(response.text(), body);
        assert_eq!(
            response.header("content-type"),
            Some("text/javascript; charset=utf-8")
        );
        assert_eq!(response.header("vary"), Some("accept-encoding"));
        tags.push(response.header("etag").unwrap().to_owned());
    }
    tags.dedup();
    assert_eq!(tags.len(), 3, "each variant has a tag of its own");
}

#[test]
fn one_range_is_served() {
    let (_site, proxy) = files_site();
    let path = "/assets/x.1234.css";
    let tag = proxy.get(path).header("etag").unwrap().to_owned();
    for (headers, status, body) in [
        ("range: bytes=2-4\r\n".to_owned(), 206, "234"),
        ("range: bytes=-2\r\n".to_owned(), 206, "89"),
        ("range: bytes=10-\r\n".to_owned(), 416, ""),
        ("range: bytes=0-1,3-4\r\n".to_owned(), 200, "0123456789"),
        (format!("range: bytes=0-0\r\nif-range: {tag}\r\n"), 206, "0"),
        (
            "range: bytes=0-0\r\nif-range: \"old\"\r\n".to_owned(),
            200,
            "0123456789",
        ),
    ] {
        let response = proxy.get_with(path, &headers);
        assert_eq!(
            (response.status, response.text().as_str()),
            (status, body),
            "{headers}"
        );
    }
    let response = proxy.get_with(path, "range: bytes=2-4\r\n");
    assert_eq!(response.header("content-range"), Some("bytes 2-4/10"));
}

#[test]
fn nothing_outside_the_root_is_served() {
    let (_site, proxy) = files_site();
    for path in [
        "/../outside.txt",
        "/%2e%2e/outside.txt",
        "/..%2foutside.txt",
        "/assets/../../outside.txt",
        "/assets/%2e%2e/%2e%2e/outside.txt",
        "/escape.txt",
        "/absolute.txt",
        "/up/outside.txt",
        "/.env",
        "/%2eenv",
        "/fifo",
        "/app.js%00.html",
        "/..%5coutside.txt",
        "/nothing.txt",
        "/empty/",
        "/app.js/",
    ] {
        let response = proxy.get(path);
        assert_eq!(response.status, 404, "{path}: {}", response.text());
        assert!(!response.text().contains("OUTSIDE") && !response.text().contains("SECRET"));
    }
}

#[test]
fn the_fallback_answers_pages_and_never_scripts() {
    let (_site, proxy) = files_site();
    let browser = "accept: text/html,application/xhtml+xml,*/*;q=0.8\r\n";
    assert_eq!(proxy.get_with("/orders/17", browser).text(), "<html>home");
    assert_eq!(proxy.get_with("/gone.js", browser).status, 404);
    assert_eq!(proxy.get_with("/orders/17", "accept: */*\r\n").status, 404);
    assert_eq!(proxy.get("/orders/17").status, 404);
}

#[test]
fn files_are_counted_for_their_release() {
    let (_site, proxy) = files_site();
    proxy.get("/");
    proxy.get("/nothing.txt");
    let rows = proxy.counters().rows;
    assert_eq!(rows[0].release, ReleaseNumber(7));
    assert_eq!(rows[0].by_class, [0, 1, 0, 1, 0]);
}
