//! The hello app as a container, in a sandbox and on an engine of the test's own.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::rc::Rc;

use landfall_testkit::docker::{DockerEngine, busybox_root};
use landfall_testkit::{Project, Sandbox, bins};
use serde_json::{Value, json};

/// An engine, and a sandbox whose agent uses it.
pub struct Yard {
    // Before the engine: what the agent keeps goes first.
    pub sandbox: Sandbox,
    pub engine: Rc<DockerEngine>,
}

impl Yard {
    pub fn new() -> Self {
        Self::on(&Rc::new(DockerEngine::start(false)), Sandbox::new())
    }

    /// With v1 live.
    pub fn deployed() -> Self {
        let yard = Self::new();
        yard.good("v1");
        yard.project().landfall(&["deploy", "--yes"]).ok();
        yard
    }

    /// A sandbox whose agent uses an engine that is there.
    pub fn on(engine: &Rc<DockerEngine>, sandbox: Sandbox) -> Self {
        let host = format!("unix://{}", engine.socket().display());
        let sandbox = sandbox.with_env("DOCKER_HOST", host);
        fs::create_dir_all(sandbox.dir().join("hello")).unwrap();
        let engine = engine.clone();
        Self { sandbox, engine }
    }

    pub fn project(&self) -> Project<'_> {
        Project::at(&self.sandbox, self.sandbox.dir().join("hello"))
    }

    /// Builds `hello:VERSION`, with a behaviour, and writes a landfall.toml that runs it.
    pub fn release(&self, version: &str, hello: Value) {
        let root = self.sandbox.dir().join("image");
        let _ = fs::remove_dir_all(&root);
        busybox_root(&root);
        fs::create_dir(root.join("app")).unwrap();
        with_libraries(&bins::hello(), &root, "app/hello");
        fs::write(root.join("app/hello.json"), hello.to_string()).unwrap();
        self.engine.import(&root, &format!("hello:{version}"));
        self.configure(version);
    }

    pub fn good(&self, version: &str) {
        self.release(version, json!({ "version": version, "behaviour": "good" }));
    }

    pub fn configure(&self, version: &str) {
        let text = format!(
            r#"
app   = "hello"
drain = "3s"

[service.web]
image   = "hello:{version}"
run     = "/app/hello"
dir     = "/app"
port    = 3000
ready   = {{ path = "/health", within = "20s" }}
version = {{ path = "/version", expect = "{version}" }}

[[route]]
to = "web"

[[smoke]]
get    = "/orders"
expect = {{ status = 307, location = "/auth/login" }}
"#
        );
        self.project().write("landfall.toml", &text);
    }

    pub fn status(&self) -> Value {
        self.project().landfall(&["status", "--json"]).ok().json()
    }

    /// Names of the engine's containers that run.
    pub fn names(&self) -> BTreeSet<String> {
        let listed = self.engine.docker(&["ps", "--format", "{{.Names}}"]);
        listed.lines().map(str::to_owned).collect()
    }

    /// Ids of the engine's containers that run.
    pub fn running(&self) -> Vec<String> {
        let listed = self.engine.docker(&["ps", "-q", "--no-trunc"]);
        listed.lines().map(str::to_owned).collect()
    }
}

impl Drop for Yard {
    fn drop(&mut self) {
        let stop = ["agent", "stop", "--everything", "--yes"];
        let _ = self.project().landfall(&stop);
    }
}

/// Copies a program and the libraries that it needs below a root directory.
pub fn with_libraries(program: &Path, root: &Path, to: &str) {
    fs::copy(program, root.join(to)).unwrap();
    let listed = Command::new("ldd").arg(program).output().unwrap();
    let listed = String::from_utf8_lossy(&listed.stdout).into_owned();
    for path in listed
        .split_whitespace()
        .filter(|word| word.starts_with('/'))
    {
        let copy = root.join(path.trim_start_matches('/'));
        fs::create_dir_all(copy.parent().unwrap()).unwrap();
        fs::copy(path, copy).unwrap();
    }
}
