//! Cargo.toml: a Rust program.

use super::write::{Build, quoted};
use super::{Command, Draft, InitError, Project, ServiceDraft};

const FILE: &str = "Cargo.toml";

/// A Rust package with a program.
pub(super) struct Package {
    binary: String,
}

impl Package {
    pub(super) fn read(
        project: &Project<'_>,
        draft: &mut Draft,
    ) -> Result<Option<Self>, InitError> {
        let Some(text) = project.read(FILE)? else {
            return Ok(None);
        };
        let unusable = |reason: &str| InitError::Unusable {
            file: FILE.to_owned(),
            reason: reason.to_owned(),
        };
        let manifest: toml::Table =
            toml::from_str(&text).map_err(|error| unusable(error.message()))?;
        let name = manifest
            .get("package")
            .and_then(|package| package.get("name")?.as_str());
        let Some(name) = name else {
            let workspace = "it is a workspace; run `landfall init` in the package of the program";
            return Err(unusable(workspace));
        };
        draft.name_app(name, FILE);
        let binary = manifest
            .get("bin")
            .and_then(|bins| bins.get(0)?.get("name")?.as_str());
        if binary.is_none() && !project.has("src/main.rs") {
            return Err(unusable(
                "the package has no program: no src/main.rs, no [[bin]]",
            ));
        }
        let binary = binary.unwrap_or(name).to_owned();
        draft.took(FILE, format!("the program `{binary}`"));
        Ok(Some(Self { binary }))
    }

    /// A build that leaves the program where a Procfile looks for it.
    pub(super) fn build_in_place(&self, draft: &mut Draft) -> Vec<(&'static str, String)> {
        draft.took(FILE, "the build with cargo");
        let binary = &self.binary;
        vec![
            ("shell", quoted("cargo build --release --locked")),
            (
                "output",
                format!(
                    "{{ from = {} }}",
                    quoted(&format!("target/release/{binary}"))
                ),
            ),
        ]
    }

    pub(super) fn propose(&self, draft: &mut Draft) {
        let binary = &self.binary;
        let shell = format!(
            "cargo build --release --locked --bin {binary} && mkdir -p target/landfall && cp \
             \"${{CARGO_TARGET_DIR:-target}}/release/{binary}\" target/landfall/"
        );
        draft.took(FILE, "the build with cargo");
        draft.check(
            FILE,
            format!("`{binary}` must listen on the port in `PORT`"),
        );
        draft.route = Some("web".to_owned());
        draft.services.push(ServiceDraft {
            name: "web".to_owned(),
            run: Some(Command::argv([format!("./{binary}").as_str()])),
            build: Some(Build::Own(vec![
                ("shell", quoted(&shell)),
                ("output", quoted("target/landfall")),
            ])),
            ..ServiceDraft::default()
        });
    }
}
