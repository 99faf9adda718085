//! A resolved Compose project, service by service, and what of it is not carried out.

use std::path::Path;

use landfall_config::compose::{Build, Mount, Place, Port, Project, Resource, Service};

use crate::printer::{Paint, Tone, human, plain, text};

/// Columns of the names of facts.
const FACT: usize = 12;

/// The project; paths are shown relative to `here` where they lie below it.
pub fn compose(project: &Project, here: &Path, paint: Paint, width: usize) -> String {
    let view = View { here, paint, width };
    let mut out = view.head(project);
    for service in project.services() {
        out.push('\n');
        out.push_str(&view.service(service));
    }
    let resources = view.resources(project);
    if !resources.is_empty() {
        out.push('\n');
        out.push_str(&resources);
    }
    out.push_str(&view.notes(project));
    out
}

struct View<'a> {
    here: &'a Path,
    paint: Paint,
    width: usize,
}

impl View<'_> {
    fn head(&self, project: &Project) -> String {
        let name = self.paint.tone(Tone::Strong, project.name());
        let count = project.services().count() as u64;
        let mut line = format!("{name}: {}", human::count(count, "service"));
        let disabled: Vec<&str> = project.disabled().map(|service| service.name()).collect();
        if !disabled.is_empty() {
            let note = format!(", not enabled by a profile: {}", disabled.join(", "));
            line.push_str(&self.paint.tone(Tone::Faint, &note));
        }
        line.push('\n');
        line
    }

    fn service(&self, service: Service<'_>) -> String {
        let name = self.paint.tone(Tone::Strong, service.name());
        let place = self.paint.tone(Tone::Faint, &at(service.at()));
        let mut out = format!("{name}  {place}\n");
        let mut fact = |what: &str, said: String| {
            if !said.is_empty() {
                out.push_str(&self.fact(what, &said));
            }
        };
        fact("image", service.image().unwrap_or_default().to_owned());
        fact(
            "build",
            service
                .build()
                .map(|build| self.build(build))
                .unwrap_or_default(),
        );
        fact("entrypoint", words(service.entrypoint()));
        fact("command", words(service.command()));
        fact(
            "replicas",
            match service.replicas() {
                1 => String::new(),
                count => count.to_string(),
            },
        );
        fact("ports", listed(service.ports().map(port)));
        fact(
            "volumes",
            listed(service.mounts().map(|mount| self.mount(mount))),
        );
        fact("networks", listed(service.networks().map(str::to_owned)));
        fact(
            "needs",
            listed(service.depends_on().map(|needed| {
                let condition = needed
                    .condition
                    .trim_start_matches("service_")
                    .replace('_', " ");
                let optional = if needed.required { "" } else { ", optional" };
                match condition.as_str() {
                    "started" => format!("{}{optional}", needed.service),
                    condition => format!("{} ({condition}{optional})", needed.service),
                }
            })),
        );
        let names = service.environment().map(|(name, value)| match value {
            Some(_) => name.to_owned(),
            None => format!("{name} (without a value)"),
        });
        fact("variables", listed(names));
        fact("health", words(service.health_test()));
        fact("restart", service.restart().unwrap_or_default().to_owned());
        fact("user", service.user().unwrap_or_default().to_owned());
        fact(
            "directory",
            service.working_dir().unwrap_or_default().to_owned(),
        );
        fact("stop", stop(service));
        fact(
            "labels",
            listed(service.labels().map(|(name, _)| name.to_owned())),
        );
        fact("profiles", listed(service.profiles().map(str::to_owned)));
        out
    }

    fn build(&self, build: Build<'_>) -> String {
        let context = self.path(build.context);
        let dockerfile = build.dockerfile.filter(|file| *file != "Dockerfile");
        let dockerfile = dockerfile.map(|file| format!(", {file}"));
        let target = build.target.map(|target| format!(", target {target}"));
        [Some(context), dockerfile, target]
            .into_iter()
            .flatten()
            .collect()
    }

    fn mount(&self, mount: Mount<'_>) -> String {
        let read_only = if mount.read_only { " (read-only)" } else { "" };
        match (mount.kind, mount.source) {
            ("bind", Some(source)) => {
                format!("{} → {}{read_only}", self.path(source), mount.target)
            }
            ("volume", Some(source)) => format!("{source} → {}{read_only}", mount.target),
            (kind, _) => format!("{kind} → {}{read_only}", mount.target),
        }
    }

    fn resources(&self, project: &Project) -> String {
        let shown = |resource: Resource<'_>| {
            let external = if resource.external { " (external)" } else { "" };
            match resource.key == resource.name {
                true => format!("{}{external}", resource.key),
                false => format!("{} as {}{external}", resource.key, resource.name),
            }
        };
        let mut out = String::new();
        for (what, said) in [
            ("networks", listed(project.networks().map(shown))),
            ("volumes", listed(project.volumes().map(shown))),
            (
                "secrets",
                listed(project.secrets().map(|secret| secret.key.to_owned())),
            ),
            (
                "configs",
                listed(project.configs().map(|config| config.key.to_owned())),
            ),
        ] {
            if !said.is_empty() {
                out.push_str(&self.fact(what, &said));
            }
        }
        out
    }

    fn notes(&self, project: &Project) -> String {
        let notes = project.notes();
        if notes.is_empty() {
            return String::new();
        }
        let mut out = format!("\n{}\n", self.paint.tone(Tone::Strong, "Not carried out"));
        for note in notes {
            let (word, tone) = match note.matters {
                true => ("matters", Tone::Warn),
                false => ("no effect", Tone::Faint),
            };
            let lead = format!("  {}  ", self.paint.tone(tone, &text::pad(word, 9)));
            let said = format!("{} ({}): {}", note.key, at(note.at), note.why);
            out.push_str(&text::hang(&lead, 13, &plain(&said), self.width));
            out.push('\n');
        }
        out
    }

    fn fact(&self, what: &str, said: &str) -> String {
        let lead = self.paint.tone(Tone::Faint, &text::pad(what, FACT));
        let fact = text::hang(&format!("  {lead}"), FACT + 2, &plain(said), self.width);
        format!("{fact}\n")
    }

    /// The path as a person here would write it.
    fn path(&self, path: &str) -> String {
        match Path::new(path).strip_prefix(self.here) {
            Ok(below) if below.as_os_str().is_empty() => ".".to_owned(),
            Ok(below) => format!("./{}", below.display()),
            Err(_) => path.to_owned(),
        }
    }
}

fn at(place: &Place) -> String {
    format!("{}:{}", place.file.path(), place.line())
}

fn listed(items: impl Iterator<Item = String>) -> String {
    items.collect::<Vec<_>>().join(", ")
}

fn words(words: Option<Vec<&str>>) -> String {
    match words {
        Some(words) if words.is_empty() => "none".into(),
        Some(words) => words.join(" "),
        None => String::new(),
    }
}

fn port(port: Port<'_>) -> String {
    let protocol = match port.protocol {
        "tcp" => String::new(),
        other => format!("/{other}"),
    };
    let target = format!("{}{protocol}", port.target);
    match (port.host_ip, port.published) {
        (None, None) => target,
        (None, Some(published)) => format!("{published} → {target}"),
        (Some(host), published) => {
            format!("{host}:{} → {target}", published.unwrap_or("any"))
        }
    }
}

fn stop(service: Service<'_>) -> String {
    let signal = service.stop_signal().map(str::to_owned);
    let within = service
        .stop_grace_period()
        .map(|time| format!("within {time}"));
    listed([signal, within].into_iter().flatten())
}
