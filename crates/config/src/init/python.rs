//! pyproject.toml and requirements.txt: FastAPI, Flask, Django and their like.

use super::write::{Build, TaskDraft, quoted};
use super::{Command, Draft, InitError, Project, ServiceDraft};

const PYPROJECT: &str = "pyproject.toml";
const REQUIREMENTS: &str = "requirements.txt";

/// Where packages go. A virtual environment holds the path at which it was made, so a release
/// could not be moved; a plain directory can be.
const PACKAGES: &str = ".packages";

/// A project of Python.
pub(super) struct Python {
    file: &'static str,
    /// Names of the packages that it depends on, in lower case.
    dependencies: Vec<String>,
    install: String,
}

/// Where an app object is made.
struct Object {
    file: String,
    path: String,
    framework: &'static str,
}

impl Python {
    pub(super) fn read(
        project: &Project<'_>,
        draft: &mut Draft,
    ) -> Result<Option<Self>, InitError> {
        let requirements = project.read(REQUIREMENTS)?;
        let Some(pyproject) = project.read(PYPROJECT)? else {
            let Some(text) = requirements else {
                return Ok(None);
            };
            draft.took(REQUIREMENTS, "the packages, installed with pip");
            return Ok(Some(Self {
                file: REQUIREMENTS,
                dependencies: text.lines().map(package_name).collect(),
                install: pip("-r requirements.txt"),
            }));
        };
        let table: toml::Table =
            toml::from_str(&pyproject).map_err(|error| InitError::Unusable {
                file: PYPROJECT.to_owned(),
                reason: error.message().to_owned(),
            })?;
        let name = lookup(&table, &["project", "name"])
            .or_else(|| lookup(&table, &["tool", "poetry", "name"]));
        if let Some(name) = name.and_then(toml::Value::as_str) {
            draft.name_app(name, PYPROJECT);
        }
        let mut dependencies = dependencies(&table);
        dependencies.extend(
            requirements
                .iter()
                .flat_map(|text| text.lines().map(package_name)),
        );
        Ok(Some(Self {
            file: PYPROJECT,
            dependencies,
            install: install(project, requirements.is_some(), draft),
        }))
    }

    fn depends_on(&self, package: &str) -> bool {
        self.dependencies.iter().any(|name| name == package)
    }

    pub(super) fn build(&self, draft: &mut Draft) -> Vec<(&'static str, String)> {
        draft.took(self.file, format!("the build: packages in {PACKAGES}"));
        draft.each_command(|run| run.with_program(as_module));
        for service in &mut draft.services {
            service.env.push(packages_path());
        }
        vec![("shell", quoted(&self.install))]
    }

    pub(super) fn propose(
        &self,
        project: &Project<'_>,
        draft: &mut Draft,
    ) -> Result<(), InitError> {
        let line = if project.has("manage.py") {
            self.django(project, draft)?
        } else {
            self.object(project, draft)?
        };
        let build = self.build(draft);
        draft.route = Some("web".to_owned());
        draft.services.push(ServiceDraft {
            name: "web".to_owned(),
            run: Some(Command::Shell(format!("exec python3 -m {line}"))),
            build: Some(Build::Own(build)),
            keys: Vec::new(),
            env: vec![packages_path()],
        });
        if project.has("manage.py") {
            draft.took("manage.py", "migrate, as a task before the switch");
            draft.tasks.push(TaskDraft {
                name: "migrate".to_owned(),
                service: "web".to_owned(),
                run: Command::argv(["python3", "manage.py", "migrate", "--noinput"]),
            });
        }
        Ok(())
    }

    fn django(&self, project: &Project<'_>, draft: &mut Draft) -> Result<String, InitError> {
        let text = project.read("manage.py")?.unwrap_or_default();
        let settings = captured(
            &text,
            r#"DJANGO_SETTINGS_MODULE["']\s*,\s*["']([\w.]+)["']"#,
        );
        let package = settings
            .as_deref()
            .and_then(|settings| settings.rsplit_once('.').map(|(package, _)| package))
            .map(|package| package.trim_end_matches(".settings").to_owned())
            .ok_or_else(|| InitError::Unusable {
                file: "manage.py".to_owned(),
                reason: "it does not name the settings".to_owned(),
            })?;
        draft.took(
            "manage.py",
            format!("Django, `{package}`, as service `web`"),
        );
        Ok(if self.depends_on("gunicorn") {
            format!("gunicorn {package}.wsgi --bind $HOST:$PORT")
        } else if self.depends_on("uvicorn") {
            format!("uvicorn {package}.asgi:application --host $HOST --port $PORT")
        } else {
            let check = "Django's own server is for development; add gunicorn, then run \
                         `landfall init` again";
            draft.check(self.file, check);
            "manage runserver --noreload $HOST:$PORT".to_owned()
        })
    }

    fn object(&self, project: &Project<'_>, draft: &mut Draft) -> Result<String, InitError> {
        let object = find_object(project)?.ok_or_else(|| InitError::Unusable {
            file: self.file.to_owned(),
            reason: "no file makes a FastAPI, Starlette, Quart or Flask app: looked in main.py, \
                     app.py, asgi.py, wsgi.py, and in app/ and src/"
                .to_owned(),
        })?;
        let Object {
            file,
            path,
            framework,
        } = object;
        draft.took(&file, format!("{framework}, `{path}`, as service `web`"));
        if framework == "Flask" {
            if self.depends_on("gunicorn") {
                return Ok(format!("gunicorn {path} --bind $HOST:$PORT"));
            }
            let check = "Flask's own server is for development; add gunicorn, then run \
                         `landfall init` again";
            draft.check(self.file, check);
            return Ok(format!("flask --app {path} run --host $HOST --port $PORT"));
        }
        if self.depends_on("gunicorn") && self.depends_on("uvicorn") {
            let worker = "-k uvicorn.workers.UvicornWorker";
            return Ok(format!("gunicorn {path} {worker} --bind $HOST:$PORT"));
        }
        let has_uvicorn = self.depends_on("uvicorn") || self.depends_on("fastapi[standard]");
        if !has_uvicorn && !self.depends_on("fastapi-cli") {
            draft.check(
                self.file,
                "add uvicorn to the dependencies: it serves the app",
            );
        }
        Ok(format!("uvicorn {path} --host $HOST --port $PORT"))
    }
}

/// Programs of packages that are modules as well. Only those are found in a plain directory.
fn as_module(program: &str) -> Option<String> {
    let modules = [
        "gunicorn",
        "uvicorn",
        "hypercorn",
        "daphne",
        "celery",
        "flask",
        "alembic",
        "rq",
        "dramatiq",
    ];
    modules
        .contains(&program)
        .then(|| format!("python3 -m {program}"))
}

fn packages_path() -> (String, String) {
    ("PYTHONPATH".to_owned(), format!("{PACKAGES}:."))
}

fn pip(what: &str) -> String {
    format!("python3 -m pip install --upgrade --target {PACKAGES} {what}")
}

fn install(project: &Project<'_>, has_requirements: bool, draft: &mut Draft) -> String {
    if project.has("uv.lock") {
        draft.took("uv.lock", "the versions of packages, with uv");
        return format!(
            "uv export --frozen --no-dev --no-emit-project --output-file {PACKAGES}.txt && uv pip \
             install --target {PACKAGES} -r {PACKAGES}.txt"
        );
    }
    if project.has("poetry.lock") {
        draft.check(
            "poetry.lock",
            "the build takes versions from pyproject.toml; for those of the lock file, use \
             poetry's export plugin in it",
        );
        return pip(".");
    }
    let what = if has_requirements {
        "-r requirements.txt"
    } else {
        "."
    };
    pip(what)
}

fn dependencies(table: &toml::Table) -> Vec<String> {
    let listed = lookup(table, &["project", "dependencies"]).and_then(toml::Value::as_array);
    let listed = listed.into_iter().flatten().filter_map(toml::Value::as_str);
    let poetry = lookup(table, &["tool", "poetry", "dependencies"]).and_then(toml::Value::as_table);
    let mut names: Vec<String> = listed.map(package_name).collect();
    names.extend(
        poetry
            .into_iter()
            .flat_map(|table| table.keys().map(|key| package_name(key))),
    );
    names
}

fn lookup<'a>(table: &'a toml::Table, path: &[&str]) -> Option<&'a toml::Value> {
    let (first, rest) = path.split_first()?;
    rest.iter()
        .try_fold(table.get(*first)?, |value, key| value.get(key))
}

/// The name of a requirement: `uvicorn[standard]>=0.30` is `uvicorn`. Extras of FastAPI are
/// kept, because one of them brings a server.
fn package_name(requirement: &str) -> String {
    let requirement = requirement.trim().to_lowercase().replace('_', "-");
    if requirement.starts_with("fastapi[standard") {
        return "fastapi[standard]".to_owned();
    }
    let end = requirement
        .find(|c: char| !c.is_ascii_alphanumeric() && !"-.".contains(c))
        .unwrap_or(requirement.len());
    requirement[..end].to_owned()
}

fn captured(text: &str, pattern: &str) -> Option<String> {
    let regex = regex::Regex::new(pattern).ok()?;
    Some(regex.captures(text)?[1].to_owned())
}

fn find_object(project: &Project<'_>) -> Result<Option<Object>, InitError> {
    for directory in ["", "app/", "src/", "src/app/", "api/"] {
        for stem in ["main", "app", "asgi", "wsgi", "server", "__init__"] {
            let file = format!("{directory}{stem}.py");
            let Some(text) = project.read(&file)? else {
                continue;
            };
            for framework in ["FastAPI", "Starlette", "Quart", "Flask"] {
                let pattern = format!(r"(?m)^(\w+)(?:\s*:[^=\n]+)?\s*=\s*(?:\w+\.)?{framework}\(");
                let Some(variable) = captured(&text, &pattern) else {
                    continue;
                };
                let module = format!("{directory}{stem}").replace('/', ".");
                let module = module.trim_end_matches(".__init__");
                return Ok(Some(Object {
                    path: format!("{module}:{variable}"),
                    file,
                    framework,
                }));
            }
        }
    }
    Ok(None)
}
