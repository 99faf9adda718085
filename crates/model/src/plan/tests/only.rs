//! Deploys of some services.

use super::*;

/// Services that share no build; `worker` says which commit it is.
fn apart() -> AppSpec {
    let mut spec = spec();
    let worker = spec.services.get_mut(&name::<ServiceName>("worker"));
    let worker = worker.unwrap();
    worker.artifact = name("worker");
    worker.version = Some(VersionSpec {
        source: VersionSource::Path("/version".into()),
        expect: Template(vec![crate::env::Part::Commit]),
    });
    spec
}

fn with_env(mut spec: AppSpec, services: &[&str]) -> AppSpec {
    for service in services {
        let service = spec.services.get_mut(&name::<ServiceName>(service));
        let env = &mut service.unwrap().env;
        env.insert("LEVEL".into(), Template::literal("debug"));
    }
    spec
}

#[test]
fn c3_a_deploy_of_some_services_leaves_the_others_as_they_are() {
    let observed = after(&deploy(apart(), "one"));
    let live = observed.live.clone().unwrap();
    let wanted = with_env(apart(), &["web", "worker"]);
    let spec = only(&wanted, &live, &[name("web")]).unwrap();
    assert_eq!(
        spec.services[&name::<ServiceName>("worker")],
        apart().services[&name::<ServiceName>("worker")]
    );
    let mut desired = deploy(spec, "one");
    // Of a newer commit, which the worker is not of.
    desired.source.commit = Some("b".repeat(40));
    let built = BuildNeed::Exists(artifact("one"));
    desired.builds.insert(name("worker"), built);
    let plan = plan(&desired, &observed).unwrap();
    let expected = [
        ("web".into(), Action::Replace),
        ("worker".into(), Action::Keep),
    ];
    assert_eq!(actions(&plan), expected);
    let notes = plan.notes.join("\n");
    assert!(notes.contains("as in release 1: worker"), "{notes}");

    // The next one knows still where the worker comes from.
    let second = Release {
        number: ReleaseNumber(2),
        spec: desired.spec,
        source: desired.source,
        ..live
    };
    let spec = only(&wanted, &second, &[name("web")]).unwrap();
    let origin = &spec.kept[&name::<ServiceName>("worker")];
    assert_eq!(
        (origin.release, origin.commit.as_deref()),
        (ReleaseNumber(1), None)
    );
}

#[test]
fn c3_services_of_one_build_are_deployed_together() {
    let live = after(&deploy(spec(), "one")).live.unwrap();
    let wanted = with_env(spec(), &["web", "worker"]);
    let spec = only(&wanted, &live, &[name("worker")]).unwrap();
    assert_eq!(spec, wanted);
}

#[test]
fn c3_a_deploy_of_some_services_takes_their_routes_and_no_others() {
    let live = after(&deploy(apart(), "one")).live.unwrap();
    let mut wanted = apart();
    let route = |path: &str, to: &str| RouteSpec {
        host: None,
        path: path.into(),
        to: name(to),
        strip_prefix: false,
    };
    wanted.routes = vec![route("/", "worker"), route("/web", "web")];
    let spec = only(&wanted, &live, &[name("worker")]).unwrap();
    assert_eq!(spec.routes, [route("/", "worker")]);
    let spec = only(&wanted, &live, &[name("web")]).unwrap();
    assert_eq!(spec.routes, [route("/web", "web")]);
}

#[test]
fn c3_a_deploy_of_some_services_refuses_to_leave_out_what_they_need() {
    let live = after(&deploy(apart(), "one")).live.unwrap();
    let mut wanted = apart();
    let mut cache = service(1);
    cache.artifact = name("cache");
    wanted.services.insert(name("cache"), cache);
    let web = wanted.services.get_mut(&name::<ServiceName>("web"));
    web.unwrap().needs.push(name("cache"));
    let refused = |names: &[&str]| {
        let names: Vec<ServiceName> = names.iter().map(|text| name(text)).collect();
        only(&wanted, &live, &names).map_err(|refusal| refusal.message)
    };
    assert_eq!(
        refused(&["web"]).unwrap_err(),
        "web needs cache, which is not deployed: name cache too"
    );
    assert!(refused(&["web", "cache"]).is_ok());
    assert_eq!(
        refused(&["wbe"]).unwrap_err(),
        "no service wbe; there are: cache, web, worker"
    );

    let shared = after(&deploy(spec(), "one")).live.unwrap();
    let moved = only(&apart(), &shared, &[name("web")]).map_err(|refusal| refusal.message);
    assert_eq!(
        moved.unwrap_err(),
        "worker runs what web builds in release 1: name worker too"
    );
}
