//! package.json: Next.js, single-page apps, and servers of Node.

use serde_json::Value;

use super::script::{self, Script};
use super::write::{Build, quoted, quoted_list};
use super::{Command, Draft, InitError, Project, ServiceDraft};

const FILE: &str = "package.json";

const NEXT_CONFIGS: &[&str] = &[
    "next.config.js",
    "next.config.mjs",
    "next.config.ts",
    "next.config.cjs",
];

const VITE_CONFIGS: &[&str] = &["vite.config.ts", "vite.config.js", "vite.config.mjs"];

/// Packages of which one makes a project a server.
const SERVERS: &[&str] = &[
    "express",
    "fastify",
    "koa",
    "hono",
    "@hono/node-server",
    "@nestjs/core",
    "@hapi/hapi",
    "restify",
    "polka",
];

/// A package of npm.
pub(super) struct Package {
    json: Value,
    install: &'static str,
    manager: &'static str,
}

impl Package {
    pub(super) fn read(
        project: &Project<'_>,
        draft: &mut Draft,
    ) -> Result<Option<Self>, InitError> {
        let Some(text) = project.read(FILE)? else {
            return Ok(None);
        };
        let json: Value = serde_json::from_str(&text).map_err(|error| InitError::Unusable {
            file: FILE.to_owned(),
            reason: format!("it is not JSON: {error}"),
        })?;
        if let Some(name) = json["name"].as_str() {
            draft.name_app(name, FILE);
        }
        let (manager, install) = package_manager(project, draft);
        Ok(Some(Self {
            json,
            install,
            manager,
        }))
    }

    fn depends_on(&self, package: &str) -> bool {
        ["dependencies", "devDependencies"]
            .iter()
            .any(|kind| self.json[kind].get(package).is_some())
    }

    fn script(&self, name: &str) -> Option<&str> {
        self.json["scripts"][name].as_str()
    }

    /// Install and, where there is one, the `build` script; the whole project is the output.
    pub(super) fn build(&self, draft: &mut Draft) -> Vec<(&'static str, String)> {
        let Self {
            manager, install, ..
        } = self;
        draft.each_command(|run| run.with_program(script::in_node_modules));
        let shell = if self.script("build").is_some() {
            draft.took(FILE, format!("the build: {install}, {manager} run build"));
            format!("{install} && {manager} run build")
        } else {
            draft.took(FILE, format!("the build: {install}"));
            (*install).to_owned()
        };
        vec![("shell", quoted(&shell))]
    }

    pub(super) fn propose(
        &self,
        project: &Project<'_>,
        draft: &mut Draft,
    ) -> Result<(), InitError> {
        let is_server = SERVERS.iter().any(|server| self.depends_on(server));
        if self.depends_on("next") {
            return self.propose_next(project, draft);
        }
        if !is_server && self.depends_on("vite") {
            return self.propose_vite(project, draft);
        }
        if !is_server && self.depends_on("react-scripts") {
            draft.took(
                FILE,
                "Create React App: files in build, served by the proxy",
            );
            self.propose_static(draft, "build", "static/**");
            return Ok(());
        }
        self.propose_server(project, draft)
    }

    fn propose_next(&self, project: &Project<'_>, draft: &mut Draft) -> Result<(), InitError> {
        let config = project.first(NEXT_CONFIGS);
        let text = match config {
            Some(file) => project.read(file)?.unwrap_or_default(),
            None => String::new(),
        };
        let mut build = self.build(draft);
        let run = if is_standalone(&text) {
            let file = config.unwrap_or_default();
            draft.took(file, "output: \"standalone\", as the files of a release");
            let mut output = vec![
                "{ from = \".next/standalone\", to = \".\" }".to_owned(),
                quoted(".next/static"),
            ];
            if project.dir.join("public").is_dir() {
                output.push(quoted("public"));
            }
            build.push(("output", format!("[{}]", output.join(", "))));
            "node server.js"
        } else {
            let file = config.unwrap_or("next.config.mjs");
            draft.check(
                file,
                "add `output: \"standalone\"`, then run `landfall init` again: releases without \
                 it hold all of node_modules and are many times larger",
            );
            "node node_modules/next/dist/bin/next start --hostname 127.0.0.1"
        };
        draft.took(FILE, "Next.js, as service `web`");
        draft.route = Some("web".to_owned());
        draft.services.push(ServiceDraft {
            name: "web".to_owned(),
            run: Some(Command::from_shell(run)),
            build: Some(Build::Own(build)),
            keys: vec![
                ("ready", quoted("/"), ""),
                (
                    "writable",
                    quoted_list([".next/cache"]),
                    "Resized images and cached pages outlive a release.",
                ),
            ],
            env: vec![
                ("NODE_ENV".to_owned(), "production".to_owned()),
                ("HOSTNAME".to_owned(), "127.0.0.1".to_owned()),
            ],
        });
        Ok(())
    }

    fn propose_vite(&self, project: &Project<'_>, draft: &mut Draft) -> Result<(), InitError> {
        let mut dir = "dist".to_owned();
        if let Some(file) = project.first(VITE_CONFIGS) {
            let text = project.read(file)?.unwrap_or_default();
            if let Some(configured) = string_after(&text, "outDir") {
                match crate::values::relative(&configured) {
                    Ok(path) => {
                        draft.took(file, format!("outDir: {path}"));
                        dir = path;
                    }
                    Err(_) => draft.skipped(file, "outDir, which leads out of the project"),
                }
            }
        }
        draft.took(FILE, format!("Vite: files in {dir}, served by the proxy"));
        self.propose_static(draft, &dir, "assets/**");
        Ok(())
    }

    fn propose_static(&self, draft: &mut Draft, dir: &str, immutable: &str) {
        let build = self.build(draft);
        let files = format!(
            "{{ dir = {}, fallback = \"index.html\", immutable = {} }}",
            quoted(dir),
            quoted_list([immutable])
        );
        draft.route = Some("web".to_owned());
        draft.services.push(ServiceDraft {
            name: "web".to_owned(),
            build: Some(Build::Own(build)),
            keys: vec![(
                "static",
                files,
                "Pages that are no file get the fallback; immutable files have a hash in their name.",
            )],
            ..ServiceDraft::default()
        });
    }

    fn propose_server(&self, project: &Project<'_>, draft: &mut Draft) -> Result<(), InitError> {
        let start = self.script("start").map(Script::read);
        let main = self.json["main"].as_str();
        let fallback = ["server.js", "index.js", "app.js", "dist/index.js"];
        let script = match (start, main) {
            (Some(script), _) => {
                draft.took(FILE, "the script `start`, as service `web`");
                script
            }
            (None, Some(main)) => {
                draft.took(FILE, "`main`, as service `web`");
                Script::of_node(main)
            }
            (None, None) => match project.first(&fallback) {
                Some(file) => {
                    draft.took(file, "the program of service `web`");
                    Script::of_node(file)
                }
                None => {
                    return Err(InitError::Unusable {
                        file: FILE.to_owned(),
                        reason: "it has no script `start` and no `main`".to_owned(),
                    });
                }
            },
        };
        let build = self.build(draft);
        let mut env = script.env;
        if !env.iter().any(|(name, _)| name == "NODE_ENV") {
            env.push(("NODE_ENV".to_owned(), "production".to_owned()));
        }
        draft.check(FILE, "the server must listen on the port in `PORT`");
        draft.route = Some("web".to_owned());
        draft.services.push(ServiceDraft {
            name: "web".to_owned(),
            run: Some(script.run),
            build: Some(Build::Own(build)),
            keys: Vec::new(),
            env,
        });
        Ok(())
    }
}

fn package_manager(project: &Project<'_>, draft: &mut Draft) -> (&'static str, &'static str) {
    let managers: [(&str, &str, &str); 6] = [
        ("pnpm-lock.yaml", "pnpm", "pnpm install --frozen-lockfile"),
        ("bun.lock", "bun", "bun install --frozen-lockfile"),
        ("bun.lockb", "bun", "bun install --frozen-lockfile"),
        ("yarn.lock", "yarn", "yarn install --frozen-lockfile"),
        ("package-lock.json", "npm", "npm ci"),
        ("npm-shrinkwrap.json", "npm", "npm ci"),
    ];
    for (lock, manager, install) in managers {
        if project.has(lock) {
            draft.took(lock, format!("{manager} as the package manager"));
            let modern_yarn = manager == "yarn" && project.has(".yarnrc.yml");
            let install = if modern_yarn {
                "yarn install --immutable"
            } else {
                install
            };
            return (manager, install);
        }
    }
    draft.check(
        FILE,
        "there is no lock file: builds are not repeatable without one",
    );
    ("npm", "npm install")
}

fn is_standalone(config: &str) -> bool {
    string_after(config, "output").as_deref() == Some("standalone")
}

/// The string that is set under `key`, in a file of JavaScript that is not understood otherwise.
fn string_after(text: &str, key: &str) -> Option<String> {
    let pattern = format!(r#"(?m)^[^/\n]*\b{key}["']?\s*:\s*["'`]([^"'`\n]*)["'`]"#);
    let regex = regex::Regex::new(&pattern).ok()?;
    Some(regex.captures(text)?[1].to_owned())
}
