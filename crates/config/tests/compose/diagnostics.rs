//! What people are told about files that are wrong: the place, the cause, the fix.

use insta::assert_snapshot;

use crate::support::Project;

#[test]
fn all_mistakes_of_a_kind_are_said_at_once() {
    let project = Project::of(
        "services:\n  web:\n    image: 5\n    prots: [80]\n    depends_on: db\n    restart: [always]\n",
    );
    assert_snapshot!(project.refused(&[]));
}

#[test]
fn a_missing_variable_is_said_where_it_is_needed() {
    let project = Project::of(
        "services:\n  web:\n    image: \"app:${TAG:?which version}\"\n    hostname: ${HOST}\n    user: ${A!}\n",
    );
    assert_snapshot!(project.refused(&[]));
}

#[test]
fn a_variable_without_a_value_is_a_warning() {
    let project = Project::of("services:\n  web:\n    image: app\n    hostname: ${HOST}\n");
    assert_snapshot!(project.refused(&[]));
}

#[test]
fn references_to_nothing_are_said_with_what_was_meant() {
    let project = Project::of(
        "services:\n  web:\n    image: app\n    volumes: [\"dta:/d\"]\n    networks: [frnt]\n    \
         depends_on: [cach]\n  cache:\n    image: c\nvolumes:\n  data:\nnetworks:\n  front:\n",
    );
    assert_snapshot!(project.refused(&[]));
}

#[test]
fn a_mistake_in_an_overlay_is_said_there_and_names_what_it_clashes_with() {
    let project = Project::new(&[
        (
            "a.yaml",
            "services:\n  web:\n    image: app\n    healthcheck:\n      interval: 5s\n",
        ),
        ("b.yaml", "services:\n  web:\n    healthcheck: [CMD, x]\n"),
    ]);
    assert_snapshot!(project.refused(&["a.yaml", "b.yaml"]));
}

#[test]
fn a_mistake_in_an_included_file_is_said_in_that_file() {
    let project = Project::new(&[
        (
            "compose.yaml",
            "include: [sub/compose.yaml]\nservices:\n  web: {image: app}\n",
        ),
        (
            "sub/compose.yaml",
            "services:\n  db:\n    image: db\n    ports: [\"http:80\"]\n",
        ),
    ]);
    assert_snapshot!(project.refused(&[]));
}

#[test]
fn a_file_that_is_missing_is_said_where_it_is_named() {
    let project = Project::new(&[(
        "compose.yaml",
        "include: [sub/compose.yaml]\nservices:\n  web: {image: app}\n",
    )]);
    assert_snapshot!(project.refused(&[]));
}

#[test]
fn lines_of_env_files_are_never_quoted() {
    let project = Project::new(&[
        (
            "compose.yaml",
            "services:\n  web:\n    image: app\n    env_file: secret.env\n",
        ),
        ("secret.env", "PASSWORD=\"hunter2\n"),
    ]);
    let refused = project.refused(&[]);
    assert!(!refused.contains("hunter2"), "{refused}");
    assert_snapshot!(refused);
}

#[test]
fn yaml_that_is_none_is_said_at_its_place_even_after_other_scripts() {
    let project = Project::of("services:\n  # größer ✓\n  web: {image: \"ä\", labels: [}\n");
    assert_snapshot!(project.refused(&[]));
}
