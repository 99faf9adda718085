//! The assistant example: three services of one repository that share a package, and Postgres, in
//! production and in staging on one server.

use crate::stack::Stack;

const BUILT: [&str; 3] = ["agent", "bot", "dashboard"];

fn deploy(stack: &Stack) -> Vec<String> {
    let deployed = stack.project().landfall(&["deploy", "--yes"]).ok();
    Stack::built(&deployed.stdout)
}

/// Adds a line to a file of the project.
fn touch(stack: &Stack, path: &str, line: &str) {
    let project = stack.project();
    let text = project.read(path);
    project.write(path, &format!("{text}\n{line}\n"));
}

#[test]
fn c1_c2_c4_only_what_a_change_concerns_is_built() {
    let stack = Stack::of("assistant", &BUILT);
    assert_eq!(deploy(&stack), BUILT);
    assert_eq!(deploy(&stack), [""; 0]);

    touch(&stack, "services/dashboard/src/page.js", "// Touched.");
    assert_eq!(deploy(&stack), ["dashboard"]);
    touch(&stack, "packages/shared/src/index.js", "// Touched.");
    assert_eq!(deploy(&stack), BUILT);
    touch(&stack, "pnpm-lock.yaml", "# Touched.");
    assert_eq!(deploy(&stack), BUILT);

    // Routes, variables and limits are no inputs of any image.
    touch(&stack, "README.md", "Touched.");
    let route = "[[route]]\nhost = \"pages.example\"\nto = \"dashboard\"";
    touch(&stack, "landfall.toml", route);
    stack.edit("compose.production.yaml", "memory: 256M", "memory: 200M");
    touch(&stack, ".env", "BOT_NAME=Grace");
    let plan = stack.project().landfall(&["plan"]).ok().stdout;
    assert!(plan.contains("BOT_NAME"), "{plan}");
    assert_eq!(deploy(&stack), [""; 0]);

    // One of three fails: the others are kept, and a retry builds the one.
    touch(&stack, "packages/shared/src/index.js", "// Touched again.");
    let dockerfile = "services/bot/Dockerfile";
    stack.edit(dockerfile, "USER node", "RUN exit 9\nUSER node");
    let bot = stack.containers("bot");
    let failed = stack.project().landfall(&["deploy", "--yes"]);
    assert_eq!(failed.code, Some(3), "{failed:#}");
    assert_eq!(Stack::built(&failed.stdout), ["agent", "dashboard"]);
    assert!(failed.stderr.contains("exit 9"), "{failed:#}");
    assert!(failed.stderr.contains("built and kept"), "{failed:#}");
    assert_eq!(stack.containers("bot"), bot, "the old one serves on");
    stack.edit(dockerfile, "RUN exit 9\n", "");
    assert_eq!(deploy(&stack), ["bot"]);

    // Of a change that concerns all, one is to go out for now.
    touch(&stack, "packages/shared/src/index.js", "// Once more.");
    let bot = stack.containers("bot");
    let only = stack
        .project()
        .landfall(&["deploy", "--yes", "--only", "dashboard"]);
    assert_eq!(Stack::built(&only.ok().stdout), ["dashboard"]);
    assert_eq!(stack.containers("bot"), bot, "it was left alone");
    assert_eq!(deploy(&stack), ["agent", "bot"]);
}

#[test]
fn d6_production_and_staging_share_a_server_and_nothing_else() {
    let stack = Stack::of("assistant", &BUILT);
    let project = stack.project();
    project.landfall(&["deploy", "--yes"]).ok();
    let staging = project
        .landfall(&["deploy", "--yes", "--env", "staging"])
        .ok();
    assert_eq!(Stack::built(&staging.stdout), [""; 0], "the same images");
    let names = |kind: &str| stack.engine.docker(&[kind, "ls", "--format", "{{.Name}}"]);
    for name in [
        "landfall-assistant-local-postgres",
        "landfall-assistant-staging-postgres",
    ] {
        assert!(names("volume").contains(name), "{}", names("volume"));
    }
    for name in ["landfall-assistant-local", "landfall-assistant-staging"] {
        assert!(names("network").lines().any(|line| line == name));
    }
    assert_eq!(stack.containers("postgres").len(), 2);
    // What one is told the other does not know.
    let (production, staging) = ("assistant.example.localhost", "staging.assistant.example");
    let message = r#"{"author": "Kim", "text": "hello"}"#;
    let (status, answer) = stack
        .site()
        .ask_at(production, "POST", "/bot/messages", message);
    assert_eq!(status, 200, "{answer}");
    let messages = |host: &str| stack.site().ask_at(host, "GET", "/api/messages", "");
    assert!(messages(production).1.contains("hello"));
    assert_eq!(messages(staging), (200, "[]".to_owned()));

    // Two databases do not write to one volume because someone gave it a name.
    let overlay = project.read("compose.staging.yaml");
    let named = "volumes: { postgres: { name: landfall-assistant-local-postgres } }";
    project.write("compose.staging.yaml", &format!("{overlay}\n{named}\n"));
    let refused = project.landfall(&["deploy", "--env", "staging", "--yes"]);
    assert_eq!(refused.code, Some(5), "{refused:#}");
    let says = "assistant/local has a volume that is called landfall-assistant-local-postgres";
    assert!(refused.stderr.contains(says), "{refused:#}");

    // The absence of one breaks nothing of the other.
    let stop = ["stop", "--env", "staging", "--yes"];
    project.landfall(&stop).ok();
    assert_eq!(messages(staging).0, 503);
    assert!(messages(production).1.contains("hello"));
}
