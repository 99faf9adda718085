//! What counts as an input, and what is said of a change.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;
use std::time::Duration;

use landfall_build::{ChangeKind, explain, hash_inputs};
use landfall_model::CommandSpec;
use landfall_model::spec::{BuildSpec, OutputSpec};
use tempfile::TempDir;

fn spec(inputs: &[&str]) -> BuildSpec {
    BuildSpec {
        run: Some(CommandSpec::Shell("make".into())),
        inputs: inputs.iter().map(|glob| glob.to_string()).collect(),
        output: vec![OutputSpec {
            from: "dist".into(),
            to: ".".into(),
        }],
        exclude: vec![],
        env: BTreeMap::new(),
        timeout: Duration::from_secs(60),
    }
}

fn write(root: &Path, path: &str, text: &str) {
    let path = root.join(path);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

fn tree(files: &[&str]) -> TempDir {
    let root = tempfile::tempdir().unwrap();
    for file in files {
        write(root.path(), file, file);
    }
    root
}

fn inputs(root: &Path, spec: &BuildSpec) -> Vec<String> {
    hash_inputs(root, spec, None)
        .unwrap()
        .files
        .into_keys()
        .collect()
}

fn changes(root: &Path, spec: &BuildSpec, edit: impl FnOnce(&Path)) -> Vec<String> {
    let before = hash_inputs(root, spec, None).unwrap();
    edit(root);
    let after = hash_inputs(root, spec, None).unwrap();
    let changes = explain(&before, &after);
    assert_eq!(changes.is_empty(), before.digest == after.digest);
    changes.iter().map(ToString::to_string).collect()
}

#[test]
fn without_declared_inputs_every_file_that_git_does_not_ignore_counts() {
    let root = tree(&[
        "src/app.ts",
        ".env.example",
        "dist/app.js",
        "node_modules/x/index.js",
        "src/gen/out.ts",
        ".git/HEAD",
        "vendor/.git",
    ]);
    write(root.path(), ".gitignore", "node_modules\n");
    write(root.path(), "src/.gitignore", "gen/\n");
    assert_eq!(
        inputs(root.path(), &spec(&[])),
        [".env.example", ".gitignore", "src/.gitignore", "src/app.ts"]
    );
}

#[test]
fn declared_globs_select_and_respect_git_unless_they_name_what_it_ignores() {
    let root = tree(&[
        "src/a.ts",
        "src/deep/b.ts",
        "src/a.css",
        "gen/api.ts",
        "packages/ui/node_modules/x.js",
        "packages/ui/index.js",
        "package.json",
        "src/a.test.ts",
        "dist/x.ts",
    ]);
    write(root.path(), ".gitignore", "node_modules\ngen\n");
    let select = |globs: &[&str]| inputs(root.path(), &spec(globs));
    assert_eq!(
        select(&["src/**/*.ts", "!**/*.test.ts"]),
        ["src/a.ts", "src/deep/b.ts"]
    );
    assert_eq!(
        select(&["src/*.css", "./package.json"]),
        ["package.json", "src/a.css"]
    );
    assert_eq!(select(&["packages/**"]), ["packages/ui/index.js"]);
    assert_eq!(select(&["packages/"]), ["packages/ui/index.js"]);
    assert_eq!(select(&["gen/**"]), ["gen/api.ts"]);
    assert!(
        !select(&["**"])
            .iter()
            .any(|file| file.starts_with("dist") || file.starts_with("gen"))
    );
}

#[test]
fn an_input_that_matches_nothing_is_an_error_that_names_it() {
    let root = tree(&["src/a.ts"]);
    for glob in ["scr/**", "src/*.tsx", "missing.json"] {
        let error = hash_inputs(root.path(), &spec(&["src/**", glob]), None).unwrap_err();
        assert!(error.to_string().contains(glob), "{error}");
    }
    for glob in ["../other/**", "/etc/passwd"] {
        let error = hash_inputs(root.path(), &spec(&[glob]), None).unwrap_err();
        assert!(error.to_string().contains("inside"), "{error}");
    }
}

#[test]
fn c1_a_change_is_explained_by_path() {
    let root = tree(&["src/a.ts", "src/b.ts", "src/c.ts"]);
    let edited = changes(root.path(), &spec(&[]), |root| {
        write(root, "src/a.ts", "edited");
        fs::remove_file(root.join("src/b.ts")).unwrap();
        write(root, "src/d.ts", "new");
    });
    assert_eq!(edited, ["src/a.ts", "src/b.ts (gone)", "src/d.ts (new)"]);
}

#[test]
fn c1_content_and_the_executable_bit_count_and_times_do_not() {
    let root = tree(&["run.sh"]);
    symlink("run.sh", root.path().join("link")).unwrap();
    let all = spec(&[]);
    let set_mode = |root: &Path, mode| {
        fs::set_permissions(root.join("run.sh"), fs::Permissions::from_mode(mode)).unwrap();
    };
    set_mode(root.path(), 0o644);
    let touched = changes(root.path(), &all, |root| {
        let file = fs::File::options()
            .write(true)
            .open(root.join("run.sh"))
            .unwrap();
        file.set_modified(std::time::UNIX_EPOCH).unwrap();
        set_mode(root, 0o600);
    });
    assert_eq!(touched, [""; 0]);
    assert_eq!(
        changes(root.path(), &all, |root| set_mode(root, 0o755)),
        ["run.sh"]
    );
    let linked = changes(root.path(), &all, |root| {
        fs::remove_file(root.join("link")).unwrap();
        symlink("elsewhere", root.join("link")).unwrap();
    });
    assert_eq!(linked, ["link"]);
}

#[test]
fn the_same_sources_have_the_same_digest_in_another_place() {
    let digest = |files: &[&str]| {
        hash_inputs(tree(files).path(), &spec(&[]), None)
            .unwrap()
            .digest
    };
    assert_eq!(digest(&["a", "b/c"]), digest(&["b/c", "a"]));
    assert_ne!(digest(&["a", "b/c"]), digest(&["a", "b/d"]));
}

#[test]
fn command_variables_and_output_count_and_the_timeout_does_not() {
    let root = tree(&["a"]);
    let base = spec(&[]);
    let against = |edit: &dyn Fn(&mut BuildSpec)| {
        let mut edited = base.clone();
        edit(&mut edited);
        let old = hash_inputs(root.path(), &base, None).unwrap();
        let new = hash_inputs(root.path(), &edited, None).unwrap();
        explain(&old, &new)
    };
    assert_eq!(against(&|spec| spec.timeout = Duration::from_secs(1)), []);
    let command = against(&|spec| spec.run = Some(CommandSpec::Shell("make all".into())));
    assert_eq!(command[0].path, "build command");
    let env = against(&|spec| {
        spec.env.insert("MODE".into(), "x".into());
    });
    assert_eq!(
        (env[0].path.as_str(), env[0].kind),
        ("env MODE", ChangeKind::Added)
    );
    assert_eq!(
        against(&|spec| spec.output[0].to = "web".into())[0].path,
        "output"
    );
    assert_eq!(
        against(&|spec| spec.exclude.push("*.map".into()))[0].path,
        "exclude"
    );
}

#[test]
fn without_a_command_what_is_shipped_is_the_input() {
    let root = tree(&["dist/index.html", "src/a.ts"]);
    write(root.path(), ".gitignore", "dist\n");
    let shipped = BuildSpec {
        run: None,
        ..spec(&[])
    };
    assert_eq!(inputs(root.path(), &shipped), ["dist/index.html"]);
}

#[test]
fn the_cache_never_hides_an_edit_of_the_same_size() {
    let root = tree(&["a", "b"]);
    let home = tempfile::tempdir().unwrap();
    let cache = home.path().join("hashes.json");
    let all = spec(&[]);
    for text in ["one", "two", "six", "ten"] {
        write(root.path(), "a", text);
        let cached = hash_inputs(root.path(), &all, Some(&cache)).unwrap();
        assert_eq!(cached, hash_inputs(root.path(), &all, None).unwrap());
        assert!(cache.exists());
    }
}

#[test]
fn c2_the_configuration_is_an_input_only_where_it_is_named() {
    let root = tree(&["landfall.toml", "app.js", "packages/landfall.toml"]);
    let all = ["app.js", "packages/landfall.toml"];
    assert_eq!(inputs(root.path(), &spec(&[])), all);
    assert_eq!(inputs(root.path(), &spec(&["**"])), all);
    let as_it_is = BuildSpec {
        run: None,
        output: vec![OutputSpec {
            from: ".".into(),
            to: ".".into(),
        }],
        ..spec(&[])
    };
    assert_eq!(inputs(root.path(), &as_it_is), all);
    assert_eq!(
        inputs(root.path(), &spec(&["landfall.toml", "app.js"])),
        ["app.js", "landfall.toml"]
    );
}
