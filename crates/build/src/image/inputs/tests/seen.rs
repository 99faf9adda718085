//! Which files count: those that a Dockerfile can see.

use globset::Glob;

use super::*;

const TREE: &[&str] = &["own/a", "own/b", "own/dir/c", "shared/s", "shared/t"];
const EVERYTHING: &str = "own/a own/b own/dir own/dir/c shared/s shared/t";

/// What counts of [`TREE`].
fn seen_by(dockerfile: &str, bases: &Bases) -> String {
    let spec = ImageBuildSpec {
        context: "own".to_owned(),
        dockerfile: Dockerfile::Inline(dockerfile.to_owned()),
        additional_contexts: BTreeMap::from([("shared".to_owned(), "shared".to_owned())]),
        args: BTreeMap::from([("GIVEN".to_owned(), "b".to_owned())]),
        ..spec()
    };
    let root = tree(TREE);
    let sources = Sources::read(root.path(), &spec).unwrap();
    let inputs = hash(root.path(), &spec, &sources, bases, None).unwrap();
    let files: Vec<String> = inputs.files.into_keys().collect();
    files.join(" ")
}

fn check(cases: &[(&str, &str)]) {
    for (dockerfile, expected) in cases {
        let seen = seen_by(dockerfile, &Bases::default());
        assert_eq!(seen, *expected, "{dockerfile}");
    }
}

#[test]
fn sources_of_copy_and_add_count() {
    check(&[
        ("FROM x\nRUN make\nCMD [\"a\"]", ""),
        ("FROM x\nCOPY a /b", "own/a"),
        (
            "FROM x\nCOPY a b /x/\nADD dir /",
            "own/a own/b own/dir own/dir/c",
        ),
        ("FROM x\ncopy --link --chown=1:1 --chmod=644 a /", "own/a"),
        (
            "FROM x\nCOPY --chown=\"me\" \\\n  # Why.\n  a \\\n  /x",
            "own/a",
        ),
        ("FROM x\nCOPY -- a /x", "own/a"),
        (
            "FROM x\nCOPY [\"a\", \"dir\", \"/\"]",
            "own/a own/dir own/dir/c",
        ),
        ("FROM x\nCOPY --parents dir/c /", "own/dir own/dir/c"),
        ("FROM x\nCOPY --parents=false dir/c /", "own/dir/c"),
        ("FROM x\nCOPY --exclude=dir --exclude=b . /", "own/a"),
        (
            "FROM x\nADD --checksum=sha256:0 https://x.example/a?b*$C b /",
            "own/b",
        ),
        (
            "FROM x\nCOPY a <<EOF <<-\"E2\" /x/\nCOPY b /\nEOF\n\tE2\nRUN y",
            "own/a",
        ),
        ("FROM x\nRUN <<EOF\nCOPY b /\nEOF\nCOPY a /", "own/a"),
        ("FROM x\nCOPY [xa] /", "own/a"),
        ("FROM x\nCOPY . /", "own/a own/b own/dir own/dir/c"),
    ]);
}

#[test]
fn bind_mounts_count_and_others_do_not() {
    check(&[
        (
            "FROM x\nRUN --mount=target=/x y",
            "own/a own/b own/dir own/dir/c",
        ),
        (
            "FROM x\nRUN --mount=type=bind,source=a,target=/x,ro y",
            "own/a",
        ),
        (
            "FROM x\nRUN --mount=src=/dir,dst=/x --network=none y",
            "own/dir own/dir/c",
        ),
        (
            "FROM x\nRUN --mount=from=shared,source=s,target=/x y",
            "shared/s",
        ),
        (
            "FROM x\nRUN --mount=type=cache,from=shared,target=/x y",
            "shared/s shared/t",
        ),
        (
            "FROM x\nRUN --mount=type=cache,target=/c,id=c --mount=type=secret,id=s,env=S \
             --mount=type=ssh --mount=type=tmpfs,target=/t y",
            "",
        ),
        ("FROM x\nRUN echo --mount=type=bind,target=/x", ""),
    ]);
}

#[test]
fn of_an_additional_context_counts_what_is_taken_from_it() {
    check(&[
        ("FROM x\nCOPY --from=shared t /", "shared/t"),
        (
            "FROM x\nCOPY --from=docker.io/library/shared:latest t /",
            "shared/t",
        ),
        ("FROM shared\nCOPY a /", "own/a shared/s shared/t"),
        (
            "FROM x AS shared\nCOPY a /\nFROM y\nCOPY --from=shared t /",
            "shared/t",
        ),
        ("FROM x\nCOPY --from=other a /", ""),
    ]);
}

#[test]
fn only_what_stages_see_that_the_target_needs_counts() {
    check(&[
        ("FROM x AS tests\nCOPY . /\nFROM y\nCOPY a /", "own/a"),
        (
            "FROM x AS one\nCOPY b /\nFROM y\nCOPY --from=one a /",
            "own/b",
        ),
        (
            "FROM x AS one\nCOPY b /\nFROM y\nRUN --mount=from=0,target=/x z",
            "own/b",
        ),
        (
            "FROM x AS one\nCOPY b /\nFROM one AS two\nFROM two\nCOPY a /",
            "own/a own/b",
        ),
    ]);
}

#[test]
fn variables_in_sources_count_by_their_values_where_these_are_certain() {
    check(&[
        ("FROM x\nARG GIVEN\nCOPY $GIVEN $OTHER", "own/b"),
        ("FROM x\nARG GIVEN=a\nCOPY ${GIVEN} /", "own/b"),
        ("ARG GLOBAL=a\nFROM x\nARG GLOBAL\nCOPY $GLOBAL /", "own/a"),
        (
            "FROM x\nARG DIR=dir\nENV FILE=\"$DIR/c\" X='$DIR'\nCOPY $FILE $X /",
            "own/dir/c",
        ),
        ("FROM x\nENV DIR dir\nCOPY $DIR/c /", "own/dir/c"),
        (
            "FROM x AS one\nENV F=a\nFROM one\nARG F=b\nCOPY $F /",
            "own/a",
        ),
        ("FROM x\nARG TARGETOS\nCOPY a${TARGETOS:+} /", "own/a"),
        (
            "FROM x\nARG F=a\nRUN --mount=source=$F,target=/x y",
            "own/a",
        ),
    ]);
    let own = "own/a own/b own/dir own/dir/c";
    for uncertain in [
        "FROM x\nCOPY $NONE /",
        "ARG GLOBAL=a\nFROM x\nCOPY $GLOBAL /",
        "FROM x\nARG F\nCOPY $F /",
        "FROM x\nARG F=a\nARG F=b\nCOPY $F /",
        "FROM x AS one\nARG F=a\nFROM one\nCOPY $F /",
        "FROM x\nENV F=\"a\"b\nCOPY $F /",
        "FROM x\nENV $X=1 F=a\nCOPY $F /",
        "FROM x\nENV F=a G\nCOPY $F /",
        "FROM x\nARG F=a\nCOPY ${F%x} /",
        "FROM x\nCOPY a\\b /",
        "FROM x\nCOPY \"a\" /",
        "FROM x\nCOPY [n].txt /",
        "FROM x\nRUN --mount=source=$F,target=/x y",
    ] {
        assert_eq!(seen_by(uncertain, &Bases::default()), own, "{uncertain}");
    }
}

#[test]
fn what_is_not_understood_may_see_everything() {
    for dockerfile in [
        "",
        "FROM $NONE\nCOPY a /",
        "FROM x\nINCLUDE y\nCOPY a /",
        "FROM x\nONBUILD COPY a /",
        "FROM x\nCOPY --new=1 a /",
        "FROM x\nCOPY --chown=\"a b\" a /",
        "FROM x\nCOPY --from=$X a /",
        "FROM x\nRUN --mount=type=new,target=/x y",
        "FROM x\nRUN --mount=new=1,target=/x y",
        "FROM x\nRUN --new y",
        "# syntax=someone/else:1\nFROM x\nCOPY a /",
        "#syntax = docker/dockerfile2\nFROM x\nCOPY a /",
        "#!/usr/bin/env x\n# syntax=someone/else\nFROM x\nCOPY a /",
        "// syntax=someone/else\nFROM x\nCOPY a /",
        "FROM x\nRUN a \\\\\nCOPY a /",
        "FROM x\nRUN cat <<EOF\nCOPY a /",
        "FROM x\nRUN echo \"a <<EOF\nCOPY a /",
        "FROM x\nCOPY a\u{a0}b /",
    ] {
        assert_eq!(
            seen_by(dockerfile, &Bases::default()),
            EVERYTHING,
            "{dockerfile}"
        );
    }
    check(&[
        ("# syntax=docker/dockerfile:1\nFROM x\nCOPY a /", "own/a"),
        (
            "# syntax=docker.io/docker/dockerfile\nFROM x\nCOPY a /",
            "own/a",
        ),
    ]);
}

#[test]
fn what_base_images_bring_counts() {
    let triggers = Bases {
        has_triggers: true,
        ..Bases::default()
    };
    assert_eq!(seen_by("FROM x\nCOPY a /", &triggers), EVERYTHING);
    let variables = Bases {
        variables: ["GIVEN".to_owned()].into(),
        ..Bases::default()
    };
    let own = "own/a own/b own/dir own/dir/c";
    assert_eq!(seen_by("FROM x\nARG GIVEN\nCOPY $GIVEN /", &variables), own);
    assert_eq!(
        seen_by("FROM x\nENV GIVEN=a\nCOPY $GIVEN /", &variables),
        "own/a"
    );
}

fn copy_tree(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let (from, to) = (entry.path(), to.join(entry.file_name()));
        match from.is_dir() {
            true if entry.file_name() == "node_modules" => {}
            true => copy_tree(&from, &to),
            false => drop(fs::copy(from, to).unwrap()),
        }
    }
}

/// Which services of `examples/assistant` are made again when these files change.
fn made_again(touched: &[&str]) -> Vec<&'static str> {
    let root = tempfile::tempdir().unwrap();
    let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/assistant");
    copy_tree(&example, root.path());
    let services = ["agent", "bot", "dashboard"];
    let digests = || {
        services.map(|service| {
            let spec = ImageBuildSpec {
                dockerfile: Dockerfile::File(format!("services/{service}/Dockerfile")),
                ..spec()
            };
            hash_of(root.path(), &spec, None).digest
        })
    };
    let before = digests();
    for path in touched {
        assert!(root.path().join(path).is_file(), "{path}");
        write(root.path(), path, "touched");
    }
    let pairs = before.into_iter().zip(digests()).zip(services);
    let changed = pairs.filter(|((before, after), _)| before != after);
    changed.map(|(_, service)| service).collect()
}

#[test]
fn c2_of_a_monorepo_only_services_that_copy_what_changed_are_made_again() {
    assert_eq!(
        made_again(&["services/dashboard/src/page.js"]),
        ["dashboard"]
    );
    assert_eq!(made_again(&["services/bot/package.json"]), ["bot"]);
    assert_eq!(made_again(&["services/agent/Dockerfile"]), ["agent"]);
    let all = ["agent", "bot", "dashboard"];
    for shared in [
        "packages/shared/src/index.js",
        "pnpm-lock.yaml",
        "package.json",
    ] {
        assert_eq!(made_again(&[shared]), all, "{shared}");
    }
    let others = [
        "README.md",
        "compose.yaml",
        "compose.production.yaml",
        "landfall.toml",
        ".env.example",
    ];
    assert_eq!(made_again(&others), [""; 0]);
}

/// As Docker documents it: every part of the source matches a part of the path, and what is in a
/// directory comes with it.
fn is_named(source: &str, path: &str) -> bool {
    let sources: Vec<&str> = source.split('/').collect();
    let parts: Vec<&str> = path.split('/').collect();
    let matches = |(source, part): (&&str, &&str)| {
        Glob::new(source).unwrap().compile_matcher().is_match(*part)
    };
    sources.len() <= parts.len() && sources.iter().zip(&parts).all(matches)
}

fn source() -> impl Strategy<Value = String> {
    let part = prop_oneof![
        3 => name(),
        1 => prop::sample::select(vec!["*", "?", "*.md", "a*", "[ab]", "[^a]*"]).prop_map(str::to_owned),
    ];
    prop::collection::vec(part, 1..4).prop_map(|parts| parts.join("/"))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn c1_touching_a_file_that_a_copy_names_changes_the_inputs_and_touching_another_one_does_not(
        paths in prop::collection::btree_set(path(), 1..8),
        sources in prop::collection::vec(source(), 0..4),
        elsewhere in source(),
        at in any::<prop::sample::Index>(),
    ) {
        let root = tempfile::tempdir().unwrap();
        let mut files = Vec::new();
        for path in &paths {
            let full = root.path().join(path);
            let made = fs::create_dir_all(full.parent().unwrap());
            if made.is_ok() && fs::write(&full, "1").is_ok() {
                files.push(path);
            }
        }
        let copies: String = sources.iter().map(|source| format!("COPY {source} /x/\n")).collect();
        let text = format!("FROM x AS unused\nCOPY {elsewhere} /x/\nFROM x\n{copies}RUN make\n");
        let spec = ImageBuildSpec { dockerfile: Dockerfile::Inline(text), ..spec() };
        let touched = files[at.index(files.len())];
        let before = hash_of(root.path(), &spec, None);
        fs::write(root.path().join(touched), "22").unwrap();
        let after = hash_of(root.path(), &spec, None);
        let counts = sources.iter().any(|source| is_named(source, touched));
        prop_assert_eq!(before.digest != after.digest, counts, "{} by {:?}", touched, sources);
    }
}
