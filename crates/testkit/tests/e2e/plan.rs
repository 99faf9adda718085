//! B10, C1, C2: what is planned is what is done.

use landfall_testkit::{Project, Sandbox};

fn pids(status: &serde_json::Value) -> Vec<i64> {
    let instances = status["services"][0]["instances"].as_array().unwrap();
    instances
        .iter()
        .filter_map(|instance| instance["state"]["pid"].as_i64())
        .collect()
}

#[test]
fn b10_a_plan_says_what_will_happen_and_why_and_changes_nothing() {
    let sandbox = Sandbox::new();
    let project = Project::hello(&sandbox);
    let plan = project.landfall(&["plan"]).ok().stdout;
    assert!(
        plan.contains("first build") && plan.contains("web"),
        "{plan}"
    );
    project.landfall(&["deploy", "--yes"]).ok();
    project.release("v2", "good");
    let plan = project.landfall(&["plan"]).ok().stdout;
    assert!(plan.contains("1 input changed: hello.json"), "{plan}");
    let status = project.landfall(&["status", "--json"]).ok().json();
    assert_eq!(status["release"]["number"], 1);
}

#[test]
fn c1_the_same_inputs_are_never_built_twice() {
    let sandbox = Sandbox::new();
    let project = Project::hello(&sandbox);
    let count = sandbox.dir().join("builds");
    let counted = |version: &str| {
        project.release(version, "good");
        let line = format!("mkdir -p dist && echo built >> {} &&", count.display());
        project.edit("mkdir -p dist &&", &line);
    };
    for version in ["v1", "v2", "v1", "v2"] {
        counted(version);
        project.landfall(&["deploy", "--yes"]).ok();
    }
    let builds = std::fs::read_to_string(&count).unwrap();
    assert_eq!(builds.lines().count(), 2, "{builds}");
}

#[test]
fn c2_a_change_of_routes_alone_restarts_nothing() {
    let sandbox = Sandbox::new();
    let project = Project::hello(&sandbox);
    project.landfall(&["deploy", "--yes"]).ok();
    let before = pids(&project.landfall(&["status", "--json"]).ok().json());
    project.append("[[route]]\nhost = \"more.example\"\nto = \"web\"");
    project.landfall(&["deploy", "--yes"]).ok();
    let status = project.landfall(&["status", "--json"]).ok().json();
    assert_eq!(status["release"]["number"], 2, "{status:#}");
    assert_eq!(pids(&status), before);
}

#[test]
fn b10_deploying_the_same_again_does_nothing() {
    let sandbox = Sandbox::new();
    let project = Project::hello(&sandbox);
    project.landfall(&["deploy", "--yes"]).ok();
    let again = project.landfall(&["deploy", "--yes"]).ok();
    assert!(
        again.stdout.contains("nothing to do") || again.stdout.contains("Nothing to do"),
        "{again:#}"
    );
    let status = project.landfall(&["status", "--json"]).ok().json();
    assert_eq!(status["release"]["number"], 1);
}

#[test]
fn d6_a_route_that_another_app_has_is_refused_before_anything_is_built() {
    let sandbox = Sandbox::new();
    Project::hello(&sandbox).landfall(&["deploy", "--yes"]).ok();
    let dir = sandbox.dir().join("second");
    std::fs::create_dir(&dir).unwrap();
    let second = Project::at(&sandbox, dir);
    second.write("index.html", "the second app");
    second.write(
        "landfall.toml",
        r#"
app = "second"
[service.site]
static = "."
build  = { shell = "touch built" }
[[route]]
to = "site"
"#,
    );
    for command in [&["plan"][..], &["deploy", "--yes"]] {
        let refused = second.landfall(command);
        assert_eq!(refused.code, Some(5), "{refused:#}");
        assert!(
            refused.stderr.contains("served by hello/local"),
            "{refused:#}"
        );
        assert!(refused.stderr.contains("second.localhost"), "{refused:#}");
    }
    assert!(!second.dir().join("built").exists());
    second.edit(
        "to = \"site\"",
        "to = \"site\"\nhost = \"second.localhost\"",
    );
    second.landfall(&["deploy", "--yes"]).ok();
}

#[test]
fn a_program_of_the_host_is_deployed_from_a_directory_with_nothing_but_its_configuration() {
    let sandbox = Sandbox::new();
    let dir = sandbox.dir().join("tool");
    std::fs::create_dir(&dir).unwrap();
    let project = Project::at(&sandbox, dir);
    project.write(
        "landfall.toml",
        "app = \"tool\"\n[service.tool]\nrun = \"sleep 600\"\nready = { up_for = \"100ms\" }\n",
    );
    project.landfall(&["deploy", "--yes"]).ok();
    let again = project.landfall(&["plan"]).ok().stdout;
    assert!(
        again.contains("nothing to do") || again.contains("unchanged"),
        "{again}"
    );
}
