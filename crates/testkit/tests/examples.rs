//! The examples are good `landfall.toml` files: not an error, not a warning.

use std::path::Path;

use landfall_config::{LoadRequest, LoadedApp, load};
use landfall_model::spec::VersionSource;
use landfall_testkit::{Project, Sandbox, bins};

#[track_caller]
fn loaded(dir: &Path) -> LoadedApp {
    let request = LoadRequest::new(dir.join("landfall.toml"), "local".parse().unwrap());
    let app = load(&request).unwrap_or_else(|wrong| panic!("{wrong:?}"));
    assert!(app.warnings.0.is_empty(), "{:?}", app.warnings);
    app
}

fn web(app: &LoadedApp) -> &landfall_model::spec::ServiceSpec {
    &app.spec.services[&"web".parse().unwrap()]
}

#[test]
fn hello_is_asked_for_its_version_and_its_redirect() {
    let app = loaded(&bins::checkout().join("examples/hello"));
    let web = web(&app);
    let path = VersionSource::Path("/version".into());
    assert_eq!(
        web.version.as_ref().map(|version| &version.source),
        Some(&path)
    );
    assert_eq!(app.spec.smoke[0].location.as_deref(), Some("/auth/login"));
    let build = web.build.as_ref().and_then(|b| b.tree()).unwrap();
    assert_eq!(build.output[0].to, ".");
}

#[test]
fn the_storefront_ships_its_server_with_its_static_files_beside_it() {
    let example = bins::checkout().join("examples/storefront");
    for dir in [example.clone(), example.join("versions/v2")] {
        let request = LoadRequest::new(dir.join("landfall.toml"), "local".parse().unwrap());
        let app = load(&request).unwrap_or_else(|wrong| panic!("{wrong:?}"));
        let web = web(&app);
        let output = &web.build.as_ref().and_then(|b| b.tree()).unwrap().output;
        let places: Vec<_> = output
            .iter()
            .map(|o| (o.from.as_str(), o.to.as_str()))
            .collect();
        let expected = [
            (".next/standalone", "."),
            (".next/static", ".next/static"),
            ("public", "public"),
        ];
        assert_eq!(places, expected);
        assert_eq!(web.process().unwrap().writable, [".next/cache"]);
    }
}

#[test]
fn a_project_of_a_test_is_as_good_as_the_example() {
    let sandbox = Sandbox::new();
    let project = Project::hello(&sandbox);
    let example = loaded(&bins::checkout().join("examples/hello"));
    let app = loaded(project.dir());
    assert_eq!(app.spec.smoke, example.spec.smoke);
    assert_eq!(web(&app).version, web(&example).version);
    assert_eq!(web(&app).kind, web(&example).kind);
}
