//! Deploying from a git repository, and by pushing to one.

use std::process::{Command, Output};

use crate::harness::{Test, has_all};
use crate::server::{Key, Server};

const APP: &str = "app = \"site\"\n\
    [service.web]\n\
    static = { dir = \".\" }\n\
    build = { shell = \"sh build.sh\", inputs = [\"*.html\", \"build.sh\"], output = \"dist\" }\n\
    [[route]]\n\
    to = \"web\"\n";

/// A repository with one commit on `main`, in the app's directory.
fn with_repository() -> Test {
    let test = Test::new();
    test.write("landfall.toml", APP);
    test.write("page.html", "one\n");
    test.write(
        "build.sh",
        "mkdir -p dist && cp page.html dist/index.html && echo built in $PWD",
    );
    test.write(".gitignore", "dist\n");
    test.git(&["init", "--quiet", "--initial-branch=main"]);
    commit(&test, "The first");
    test
}

fn commit(test: &Test, subject: &str) {
    test.git(&["add", "--all"]);
    test.git(&["commit", "--quiet", "--message", subject]);
}

fn push(test: &Test, server: &Server<'_>, args: &[&str]) -> (bool, String) {
    let Output { status, stderr, .. } = Command::new("git")
        .arg("push")
        .args(args)
        .current_dir(test.app())
        .env("GIT_SSH_COMMAND", server.ssh(Key::Full))
        .env("HOME", test.app().parent().unwrap())
        .output()
        .unwrap();
    (status.success(), String::from_utf8(stderr).unwrap())
}

#[test]
fn c5_a_git_address_is_deployed_as_it_is_there_and_not_as_it_is_here() {
    let test = with_repository();
    let url = format!("file://{}", test.app().display());
    test.write("page.html", "not committed\n");
    let said = test.ok(&["deploy", "--git", &url]);
    has_all(&said.stdout, &["fetch", "main is", "The first"]);
    assert!(test.get("/").ends_with("one\n"));
    let (_, status) = test.json(&["status"]);
    let source = &status["release"]["source"];
    assert_eq!(source["branch"], "main");
    assert_eq!(source["dirty"], false);

    test.git(&["tag", "v1"]);
    commit(&test, "The second");
    let commit = source["commit"].as_str().unwrap().to_owned();
    for reference in ["#v1", &format!("#{commit}"), &format!("#{}", &commit[..9])] {
        let (code, told) = test.json(&["deploy", "--git", &format!("{url}{reference}")]);
        assert_eq!(code, 0, "{reference}: {told}");
        assert!(told["deployment"].is_null(), "{reference}: {told}");
    }
    test.ok(&["deploy", "--git", &url]);
    assert!(test.get("/").ends_with("not committed\n"));
}

#[test]
fn c5_a_git_address_that_is_wrong_deploys_nothing_and_says_why() {
    let test = with_repository();
    let url = format!("file://{}", test.app().display());
    for (address, code, says) in [
        (
            format!("{url}#nobranch"),
            3,
            "has no branch, tag or commit \"nobranch\"",
        ),
        (format!("{url}-not"), 3, "git fetch failed"),
        (
            format!("{url}#main:elsewhere"),
            2,
            "no landfall.toml in its directory elsewhere",
        ),
        (format!("{url}#main:../.."), 2, "must be in the repository"),
        ("".to_owned(), 2, "the address of a repository"),
    ] {
        let ran = test.run(&["deploy", "--git", &address]);
        assert_eq!(ran.code, code, "{address}: {}", ran.stderr);
        assert!(ran.stderr.contains(says), "{address}: {}", ran.stderr);
    }
}

#[test]
fn c5_builds_on_the_server_take_the_source_there_and_leave_nothing_behind() {
    let test = with_repository();
    let server = Server::of(&test);
    let deploy = ["deploy", "--build-on", "server"];
    let said = server.ok(Key::Full, "production", &deploy).stdout;
    let built_in = server.home().join("apps/site/production/build");
    has_all(
        &said,
        &["sources", &format!("built in {}/web", built_in.display())],
    );
    assert!(!test.app().join("dist").exists(), "it was built here");
    assert!(!built_in.exists(), "the work tree is left");

    let told = server.json(Key::Full, "production", &deploy);
    assert!(told["deployment"].is_null(), "{told}");
    test.write("page.html", "two\n");
    let told = server.json(Key::Full, "production", &deploy);
    assert_eq!(told["outcome"], "succeeded", "{told}");

    test.write("build.sh", "echo cannot >&2; exit 3");
    let ran = server.run(Key::Full, "production", &deploy);
    assert_eq!(ran.code, 3, "{}{}", ran.stdout, ran.stderr);
    has_all(&ran.stderr, &["cannot", "exited with code 3"]);
    assert!(
        !built_in.exists(),
        "the work tree of a build that failed is left"
    );

    let ran = test.run(&deploy);
    assert_eq!(ran.code, 2, "{}", ran.stdout);
    assert!(
        ran.stderr.contains("no server to build on"),
        "{}",
        ran.stderr
    );
}

#[test]
fn c5_a_push_deploys_and_one_that_cannot_be_deployed_fails() {
    let test = with_repository();
    let server = Server::of(&test);
    commit(&test, "Servers");
    for _ in 0..2 {
        let said = server.ok(Key::Full, "production", &["server", "git"]);
        assert!(
            said.stdout.contains("git push production main"),
            "{}",
            said.stdout
        );
    }
    let (done, said) = push(&test, &server, &["production", "main"]);
    assert!(done, "{said}");
    has_all(
        &said,
        &["remote:   ✓ build", "web | built in", "release 1 is live"],
    );
    let status = server.json(Key::Full, "production", &["status"]);
    assert_eq!(status["release"]["source"]["branch"], "main");
    assert_eq!(status["release"]["source"]["subject"], "Servers");

    test.write("build.sh", "echo cannot >&2; exit 3");
    commit(&test, "Break it");
    let (done, said) = push(&test, &server, &["production", "main"]);
    assert!(!done, "{said}");
    has_all(&said, &["cannot", "pre-receive hook declined"]);
    let (_, again) = push(&test, &server, &["production", "main"]);
    assert!(
        again.contains("hook declined"),
        "what failed counts as pushed: {again}"
    );
    let status = server.json(Key::Full, "production", &["status"]);
    assert_eq!(status["release"]["number"], 1);
}

#[test]
fn c5_a_push_takes_nobody_elses_deploy_back_by_mistake() {
    let test = with_repository();
    let server = Server::of(&test);
    commit(&test, "Servers");
    server.ok(Key::Full, "production", &["server", "git"]);
    test.git(&["branch", "old"]);
    test.write("page.html", "newer\n");
    commit(&test, "Newer");
    // Not by a push: the repository there has never seen this commit.
    server.ok(Key::Full, "production", &["deploy"]);

    let (done, said) = push(&test, &server, &["production", "old:main"]);
    assert!(!done, "{said}");
    has_all(
        &said,
        &["is live, and what is pushed does not have it", "-o older"],
    );
    for other in [
        &["production", "old"][..],
        &["production", "main:x", "old:main"],
    ] {
        let (done, said) = push(&test, &server, other);
        assert!(!done, "{said}");
        assert!(said.contains("only main is deployed from here"), "{said}");
    }
    let (done, said) = push(&test, &server, &["-o", "older", "production", "old:main"]);
    assert!(done, "{said}");
    let (done, said) = push(&test, &server, &["production", "main"]);
    assert!(done, "{said}");
    // Who forces git says so.
    let (done, said) = push(&test, &server, &["--force", "production", "old:main"]);
    assert!(done, "{said}");
    let (done, said) = push(&test, &server, &["production", ":main"]);
    assert!(!done, "{said}");
}
