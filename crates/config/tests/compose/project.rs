//! The typed view: values, and the places that they came from.

use crate::support::Project;

const BASE: &str = "\
services:
  web:
    image: app:1
    build: {context: ., target: prod}
    command: serve --port 80
    ports: [\"127.0.0.1:8080:80\", \"53:53/udp\"]
    volumes: [\"./data:/data:ro\", \"named:/n\"]
    environment: {A: \"1\", B: }
    depends_on: {db: {condition: service_healthy}}
    stop_grace_period: 90s
    attach: false
    labels:
      a: b
  db:
    image: db
    secrets: [{source: s, uid: \"1\"}]
  tool:
    image: t
    profiles: [tools]
volumes: {named: {name: real}}
secrets: {s: {file: s}}
";

const OVER: &str = "\
services:
  web:
    image: app:2
    deploy: {replicas: 2, placement: {constraints: [a]}}
";

fn project() -> Project {
    Project::new(&[("compose.yaml", BASE), ("over.yaml", OVER)])
}

#[test]
fn a_service_says_what_its_files_say() {
    let files = project();
    let loaded = files.case(&["compose.yaml", "over.yaml"]).load().unwrap();
    let project = &loaded.project;
    assert_eq!(
        (project.name(), project.directory()),
        ("shop", files.path().as_path())
    );
    let names: Vec<&str> = project.services().map(|service| service.name()).collect();
    assert_eq!(names, ["db", "web"]);
    let disabled: Vec<&str> = project.disabled().map(|service| service.name()).collect();
    assert_eq!(disabled, ["tool"]);
    let web = project
        .services()
        .find(|service| service.name() == "web")
        .unwrap();
    assert_eq!(web.image(), Some("app:2"));
    assert_eq!(web.build().unwrap().target, Some("prod"));
    assert_eq!(web.build().unwrap().dockerfile, Some("Dockerfile"));
    assert_eq!(web.command().unwrap(), ["serve", "--port", "80"]);
    assert_eq!(web.entrypoint(), None);
    assert_eq!(web.replicas(), 2);
    assert_eq!(web.stop_grace_period(), Some("1m30s"));
    let environment: Vec<_> = web.environment().collect();
    assert_eq!(environment, [("A", Some("1")), ("B", None)]);
    let ports: Vec<_> = web
        .ports()
        .map(|port| (port.host_ip, port.published, port.target, port.protocol))
        .collect();
    let expected = [
        (Some("127.0.0.1"), Some("8080"), 80, "tcp"),
        (None, Some("53"), 53, "udp"),
    ];
    assert_eq!(ports, expected);
    let mounts: Vec<_> = web
        .mounts()
        .map(|mount| (mount.kind, mount.target, mount.read_only))
        .collect();
    assert_eq!(mounts, [("bind", "/data", true), ("volume", "/n", false)]);
    let needs: Vec<_> = web
        .depends_on()
        .map(|needed| (needed.service, needed.condition))
        .collect();
    assert_eq!(needs, [("db", "service_healthy")]);
    let volumes: Vec<_> = project
        .volumes()
        .map(|volume| (volume.key, volume.name))
        .collect();
    assert_eq!(volumes, [("named", "real")]);
}

#[test]
fn everything_knows_the_file_and_the_line_that_it_came_from() {
    let files = project();
    let loaded = files.case(&["compose.yaml", "over.yaml"]).load().unwrap();
    let web = loaded
        .project
        .services()
        .find(|service| service.name() == "web")
        .unwrap();
    let place = |key: &str| {
        let place = web.place_of(key).unwrap();
        (place.file.path().to_owned(), place.line())
    };
    assert_eq!(place("image"), ("over.yaml".to_owned(), 3));
    assert_eq!(place("command"), ("compose.yaml".to_owned(), 5));
    assert_eq!(place("deploy"), ("over.yaml".to_owned(), 4));
    assert_eq!(place("labels"), ("compose.yaml".to_owned(), 12));
    assert_eq!(
        web.ports().map(|port| port.at.line()).collect::<Vec<_>>(),
        [6, 6]
    );
    assert_eq!(loaded.project.volumes().next().unwrap().at.line(), 20);
}

#[test]
fn what_is_not_carried_out_is_named_with_its_line_and_whether_it_matters() {
    let files = project();
    let loaded = files.case(&["compose.yaml", "over.yaml"]).load().unwrap();
    let mut notes: Vec<_> = loaded
        .project
        .notes()
        .iter()
        .map(|note| {
            (
                note.key.clone(),
                note.at.file.path().to_owned(),
                note.at.line(),
                note.matters,
            )
        })
        .collect();
    notes.sort();
    let expected = [
        ("services.db.secrets[].uid", "compose.yaml", 16, true),
        ("services.web.attach", "compose.yaml", 11, false),
        ("services.web.deploy.placement", "over.yaml", 4, true),
    ];
    let expected =
        expected.map(|(key, file, line, matters)| (key.to_owned(), file.to_owned(), line, matters));
    assert_eq!(notes, expected);
}

#[test]
fn a_pull_policy_is_named_where_it_asks_for_more_than_is_done() {
    for (policy, named) in [
        ("missing", 0),
        ("if_not_present", 0),
        ("always", 1),
        ("never", 1),
    ] {
        let web = format!("{{image: app, pull_policy: {policy}}}");
        let files = Project::of(&format!("services:\n  web: {web}\n"));
        let loaded = files.case(&[]).load().unwrap();
        assert_eq!(loaded.project.notes().len(), named, "{policy}");
    }
}

#[test]
fn secrets_from_variables_are_never_printed() {
    let files = Project::of(
        "services:\n  web: {image: app, secrets: [s], configs: [c]}\n\
         secrets: {s: {environment: S}}\nconfigs: {c: {environment: S}}\n",
    );
    let mut case = files.case(&[]);
    case.variables.insert("S".into(), "hunter2".into());
    let loaded = case.load().unwrap();
    let json = loaded.project.canonical().to_string();
    assert!(!json.contains("hunter2"), "{json}");
    assert!(!format!("{:?}", loaded.project).contains("hunter2"));
}
