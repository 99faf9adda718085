//! The text of a proposal.

use std::fmt::Write as _;
use std::path::Path;

use super::{Command, InitNote, InitNoteKind, InitProposal};

/// What is proposed, before it is text.
pub(super) struct Draft {
    app: String,
    pub(super) services: Vec<ServiceDraft>,
    pub(super) tasks: Vec<TaskDraft>,
    /// The service that answers every host.
    pub(super) route: Option<String>,
    notes: Vec<InitNote>,
}

/// A service that is proposed.
#[derive(Default)]
pub(super) struct ServiceDraft {
    pub(super) name: String,
    pub(super) run: Option<Command>,
    /// The body of `build`: a table, or the name of a service.
    pub(super) build: Option<Build>,
    /// More keys of the service: key, value as TOML, comment.
    pub(super) keys: Vec<(&'static str, String, &'static str)>,
    pub(super) env: Vec<(String, String)>,
}

/// A build that is proposed.
#[derive(Debug, Clone)]
pub(super) enum Build {
    /// Its own: keys and values as TOML.
    Own(Vec<(&'static str, String)>),
    /// That of another service.
    Of(String),
}

/// A task that is proposed, before the switch.
pub(super) struct TaskDraft {
    pub(super) name: String,
    pub(super) service: String,
    pub(super) run: Command,
}

impl Draft {
    pub(super) fn new(dir: &Path) -> Self {
        let absolute = dir.canonicalize().unwrap_or_else(|_| dir.to_owned());
        let name = absolute
            .file_name()
            .map(|name| name.to_string_lossy().into_owned());
        Self {
            app: app_name(name.as_deref().unwrap_or_default()).unwrap_or_else(|| "app".to_owned()),
            services: Vec::new(),
            tasks: Vec::new(),
            route: None,
            notes: Vec::new(),
        }
    }

    /// Names the app, when the name can be one.
    pub(super) fn name_app(&mut self, name: &str, from: &str) {
        // The scope of a package of npm says whose it is, not what.
        let name = name.rsplit('/').next().unwrap_or(name);
        if let Some(name) = app_name(name) {
            self.took(from, format!("the name of the app, `{name}`"));
            self.app = name;
        }
    }

    pub(super) fn took(&mut self, from: &str, took: impl Into<String>) {
        self.note(InitNoteKind::Took, from, took.into());
    }

    pub(super) fn skipped(&mut self, from: &str, took: impl Into<String>) {
        self.note(InitNoteKind::Skipped, from, took.into());
    }

    pub(super) fn check(&mut self, from: &str, took: impl Into<String>) {
        self.note(InitNoteKind::Check, from, took.into());
    }

    fn note(&mut self, kind: InitNoteKind, from: &str, took: String) {
        let from = from.to_owned();
        let note = InitNote { kind, took, from };
        if !self.notes.contains(&note) {
            self.notes.push(note);
        }
    }

    /// The name of a service that no other has.
    pub(super) fn free_name(&self, wanted: &str) -> String {
        let base = service_name(wanted);
        let taken = |name: &str| self.services.iter().any(|service| service.name == name);
        let mut name = base.clone();
        let mut number = 2;
        while taken(&name) {
            name = format!("{base}-{number}");
            number += 1;
        }
        name
    }

    /// Changes the commands of all services and tasks.
    pub(super) fn each_command(&mut self, change: impl Fn(Command) -> Command) {
        let services = self
            .services
            .iter_mut()
            .filter_map(|service| service.run.as_mut());
        for run in services.chain(self.tasks.iter_mut().map(|task| &mut task.run)) {
            *run = change(run.clone());
        }
    }

    /// Gives the first service a build, and the others the same.
    pub(super) fn share_build(&mut self, build: Vec<(&'static str, String)>) {
        let Some((first, others)) = self.services.split_first_mut() else {
            return;
        };
        first.build = Some(Build::Own(build));
        for other in others {
            other.build = Some(Build::Of(first.name.clone()));
        }
    }

    pub(super) fn finish(self) -> InitProposal {
        let mut toml = String::from(
            "# What landfall found here. All keys: `landfall schema`, or the reference in its docs.\n",
        );
        let _ = writeln!(toml, "app = {}", quoted(&self.app));
        for service in &self.services {
            service.write(&mut toml);
        }
        for task in &self.tasks {
            task.write(&mut toml);
        }
        if let Some(service) = &self.route {
            let _ = write!(
                toml,
                "\n# Every host goes here. Name yours: host = \"shop.example\"\n[[route]]\nto = {}\n",
                quoted(service)
            );
            toml.push_str(
                "\n# What a release must answer before a user meets it.\n[[smoke]]\nget = \"/\"\n",
            );
        }
        InitProposal {
            toml,
            notes: self.notes,
        }
    }
}

impl ServiceDraft {
    fn write(&self, toml: &mut String) {
        let _ = writeln!(toml, "\n[service.{}]", key(&self.name));
        if let Some(run) = &self.run {
            let _ = writeln!(toml, "{}", run.to_toml());
        }
        if let Some(Build::Of(service)) = &self.build {
            let _ = writeln!(toml, "build = {}", quoted(service));
        }
        for (key, value, comment) in &self.keys {
            if !comment.is_empty() {
                let _ = writeln!(toml, "# {comment}");
            }
            let _ = writeln!(toml, "{key} = {value}");
        }
        if let Some(Build::Own(build)) = &self.build {
            let _ = writeln!(toml, "\n[service.{}.build]", key(&self.name));
            for (key, value) in build {
                let _ = writeln!(toml, "{key} = {value}");
            }
        }
        if !self.env.is_empty() {
            let _ = writeln!(toml, "\n[service.{}.env]", key(&self.name));
            for (name, value) in &self.env {
                // What looks like a reference is meant as it is.
                let value = value.replace("${", "$${");
                let _ = writeln!(toml, "{} = {}", key(name), quoted(&value));
            }
        }
    }
}

impl TaskDraft {
    fn write(&self, toml: &mut String) {
        let _ = write!(
            toml,
            "\n# Runs before any instance of a new release starts.\n[task.{}]\nservice = {}\n{}\n\
             when = \"before-switch\"\n",
            key(&self.name),
            quoted(&self.service),
            self.run.to_toml(),
        );
    }
}

/// A string of TOML.
pub(super) fn quoted(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}

/// An array of strings of TOML.
pub(super) fn quoted_list<'a>(texts: impl IntoIterator<Item = &'a str>) -> String {
    let texts: Vec<String> = texts.into_iter().map(quoted).collect();
    format!("[{}]", texts.join(", "))
}

/// A key of TOML.
fn key(name: &str) -> String {
    let bare = |c: char| c.is_ascii_alphanumeric() || "-_".contains(c);
    if !name.is_empty() && name.chars().all(bare) {
        name.to_owned()
    } else {
        serde_json::Value::String(name.to_owned()).to_string()
    }
}

fn app_name(name: &str) -> Option<String> {
    let name: String = name
        .to_lowercase()
        .chars()
        .map(|c| {
            if c.is_ascii_alphanumeric() || c == '_' {
                c
            } else {
                '-'
            }
        })
        .take(landfall_model::ids::MAX_NAME)
        .collect();
    let name = name.trim_matches(['-', '_']).to_owned();
    name.parse::<landfall_model::AppName>().ok().map(|_| name)
}

fn service_name(name: &str) -> String {
    let name = name.rsplit('/').next().unwrap_or(name);
    let name: String = name
        .chars()
        .map(|c| {
            if c.is_ascii_alphanumeric() || "-_.".contains(c) {
                c
            } else {
                '-'
            }
        })
        .take(landfall_model::ids::MAX_NAME - 4)
        .collect();
    let name = name.trim_matches(['-', '_', '.']).to_owned();
    if name.parse::<landfall_model::ServiceName>().is_ok() {
        name
    } else {
        "service".to_owned()
    }
}
