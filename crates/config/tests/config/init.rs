//! What `init` proposes.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use landfall_config::init::{self, InitError};
use landfall_config::{LoadRequest, load, render};

use crate::support::Project;

/// A project with these files, as `init` finds it.
fn project(files: &[(&str, &str)]) -> Project {
    let mut project = Project::empty();
    for (path, text) in files {
        project = project.file(path, text);
    }
    project
}

/// The proposal and its notes. The proposal loads, or this panics.
fn proposed(files: &[(&str, &str)]) -> String {
    let project = project(files);
    let proposal = init::detect(&project.path()).unwrap();
    let mut text = proposal.toml.clone();
    for note in &proposal.notes {
        let kind = serde_json::to_value(note.kind).unwrap();
        let kind = kind.as_str().unwrap();
        writeln!(text, "-- {kind} {}: {}", note.from, note.took).unwrap();
    }
    let file = project.path().join("landfall.toml");
    fs::write(&file, &proposal.toml).unwrap();
    assert_loads(&file, &text);
    text
}

fn assert_loads(file: &Path, text: &str) {
    let request = LoadRequest::new(file, "local".parse().unwrap());
    match load(&request) {
        Ok(app) if app.warnings.is_empty() => {}
        Ok(app) => panic!("{}\n{text}", render(&app.warnings, false, 100)),
        Err(found) => panic!("{}\n{text}", render(&found, false, 100)),
    }
}

const LOCK: (&str, &str) = ("package-lock.json", "{}");

#[test]
fn g1_next_with_standalone_output() {
    insta::assert_snapshot!(proposed(&[
        (
            "package.json",
            r#"{ "name": "@acme/Shop", "scripts": { "build": "next build", "start": "next start" }, "dependencies": { "next": "15.0.0" } }"#,
        ),
        ("pnpm-lock.yaml", ""),
        (
            "next.config.mjs",
            "export default {\n  // output: 'export',\n  output: 'standalone',\n}\n"
        ),
        ("public/a.txt", ""),
    ]));
}

#[test]
fn g1_next_without_standalone_output_is_told_what_to_change() {
    insta::assert_snapshot!(proposed(&[
        (
            "package.json",
            r#"{ "name": "shop", "scripts": { "build": "next build" }, "dependencies": { "next": "15.0.0" } }"#,
        ),
        ("next.config.js", "module.exports = {}"),
        LOCK,
    ]));
}

#[test]
fn g1_vite() {
    insta::assert_snapshot!(proposed(&[
        (
            "package.json",
            r#"{ "name": "spa", "scripts": { "build": "vite build", "start": "vite preview" }, "devDependencies": { "vite": "7" } }"#,
        ),
        (
            "vite.config.ts",
            "export default defineConfig({ build: {\n outDir: 'out' } })"
        ),
        ("yarn.lock", ""),
    ]));
}

#[test]
fn g1_express() {
    insta::assert_snapshot!(proposed(&[
        (
            "package.json",
            r#"{ "name": "api", "scripts": { "start": "NODE_ENV=production PORT=3000 node --enable-source-maps src/server.js" }, "dependencies": { "express": "5" } }"#,
        ),
        LOCK,
    ]));
}

#[test]
fn g1_procfile() {
    insta::assert_snapshot!(proposed(&[
        (
            "Procfile",
            "# comment\nweb: gunicorn shop.wsgi --bind 0.0.0.0:$PORT\nworker: python3 worker.py --queue default\nrelease: python3 manage.py migrate && echo done\n",
        ),
        ("requirements.txt", "django==5\ngunicorn\n"),
    ]));
}

#[test]
fn g1_pm2_is_read_as_data() {
    let ecosystem = r#"
const path = require('path');
const common = { NODE_ENV: 'production' };
module.exports = {
  apps: [
    {
      name: "stock-api", // the API
      script: './dist/server.js',
      args: ["--port", 'x y'],
      instances: 'max',
      exec_mode: "cluster",
      node_args: '--max-old-space-size=512',
      max_memory_restart: '300M',
      kill_timeout: 5000,
      wait_ready: true,
      env: { PORT: 3001, LOG: "info", SECRET: process.env.SECRET, PRICE: "${1}" },
      env_production: { LOG: 'warn', },
    },
    { name: 'stock worker', script: 'worker.js', cwd: '/srv/app', env: common, cron_restart: '0 3 * * *' },
    { name: 'odd', script: path.join(__dirname, 'odd.js') },
    { name: 'npm', script: 'npm', args: 'run start:queue', interpreter: 'none' },
  ],
  deploy: { production: { user: 'deploy' } },
};
"#;
    insta::assert_snapshot!(proposed(&[
        ("ecosystem.config.js", ecosystem),
        (
            "package.json",
            r#"{ "name": "stock", "scripts": { "build": "tsc" }, "dependencies": { "express": "5" } }"#,
        ),
        LOCK,
    ]));
}

#[test]
fn g1_fastapi_with_uv() {
    insta::assert_snapshot!(proposed(&[
        (
            "pyproject.toml",
            "[project]\nname = \"reader\"\ndependencies = [\"fastapi>=0.110\", \"uvicorn[standard]\"]\n",
        ),
        ("uv.lock", ""),
        (
            "app/main.py",
            "import os\napp: FastAPI = FastAPI(title='x')\n"
        ),
    ]));
}

#[test]
fn g1_django() {
    insta::assert_snapshot!(proposed(&[
        (
            "manage.py",
            "os.environ.setdefault('DJANGO_SETTINGS_MODULE', 'shop.settings')\n",
        ),
        ("requirements.txt", "Django\n"),
    ]));
}

#[test]
fn g1_rust() {
    insta::assert_snapshot!(proposed(&[
        (
            "Cargo.toml",
            "[package]\nname = \"tally\"\nversion = \"1.0.0\"\n"
        ),
        ("src/main.rs", "fn main() {}"),
    ]));
}

#[test]
fn what_is_there_is_never_proposed_again() {
    let project = project(&[("landfall.toml", ""), ("Procfile", "web: x")]);
    let error = init::detect(&project.path()).unwrap_err();
    assert!(matches!(error, InitError::AlreadyThere(_)), "{error}");
}

#[test]
fn nothing_is_guessed_from_nothing() {
    let error = init::detect(&project(&[]).path()).unwrap_err();
    assert!(error.to_string().contains("package.json"), "{error}");
}

#[test]
fn a_file_that_cannot_be_used_is_named_with_the_reason() {
    for (file, text, reason) in [
        ("package.json", "{", "it is not JSON"),
        ("package.json", "{}", "no script `start`"),
        ("Procfile", "nothing", "a name, a colon"),
        (
            "ecosystem.config.js",
            "module.exports = make()",
            "no literal",
        ),
        ("Cargo.toml", "[workspace]", "workspace"),
        ("requirements.txt", "flask", "no file makes"),
    ] {
        let error = init::detect(&project(&[(file, text)]).path()).unwrap_err();
        let text = error.to_string();
        assert!(text.starts_with(file) && text.contains(reason), "{text}");
    }
}
