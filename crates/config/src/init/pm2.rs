//! PM2's ecosystem file, read as data: nothing in it is run, and what it computes is skipped.

use super::js::{self, Js};
use super::write::quoted;
use super::{Command, Draft, InitError, Project, ServiceDraft};

const FILES: &[&str] = &[
    "ecosystem.config.js",
    "ecosystem.config.cjs",
    "ecosystem.config.mjs",
    "ecosystem.config.json",
    "ecosystem.json",
    "pm2.config.js",
    "pm2.config.cjs",
    "pm2.json",
    "process.json",
];

/// Keys that are taken, or that say nothing about running a release.
const KNOWN: &[&str] = &[
    "name",
    "script",
    "args",
    "cwd",
    "instances",
    "exec_mode",
    "env",
    "env_production",
    "max_memory_restart",
    "interpreter",
    "node_args",
    "interpreter_args",
    "wait_ready",
    "kill_timeout",
    "watch",
    "ignore_watch",
    "autorestart",
    "time",
    "merge_logs",
    "log_date_format",
    "error_file",
    "out_file",
    "log_file",
    "pid_file",
    "listen_timeout",
    "max_restarts",
    "min_uptime",
    "restart_delay",
    "exp_backoff_restart_delay",
    "env_development",
    "source_map_support",
    "combine_logs",
    "vizion",
];

/// Proposes the apps of an ecosystem file, if there is one.
pub(super) fn detect(project: &Project<'_>, draft: &mut Draft) -> Result<bool, InitError> {
    let Some(file) = project.first(FILES) else {
        return Ok(false);
    };
    let text = project.read(file)?.unwrap_or_default();
    let unusable = |reason: &str| InitError::Unusable {
        file: file.to_owned(),
        reason: reason.to_owned(),
    };
    let exported = js::exported(&text)
        .ok_or_else(|| unusable("it exports no object literal, and nothing of it is run"))?;
    let apps = match exported.get("apps") {
        Some(Js::List(apps)) => apps.clone(),
        Some(app @ Js::Object(_)) => vec![app.clone()],
        _ => {
            return Err(unusable(
                "`apps` is no literal array, and nothing of it is run",
            ));
        }
    };
    let mut candidates = Vec::new();
    for app in &apps {
        propose(app, file, draft, &mut candidates);
    }
    if draft.services.is_empty() {
        return Err(unusable(
            "no app in it has a `script` that is a plain string",
        ));
    }
    draft.route = route(draft, &candidates, file);
    Ok(true)
}

/// The service that users meet: one that listens, by the name that it has.
fn route(draft: &mut Draft, candidates: &[String], file: &str) -> Option<String> {
    let usual = ["web", "app", "server", "frontend", "www", "site", "api"];
    let all: Vec<&String> = draft.services.iter().map(|service| &service.name).collect();
    let named = |among: &[&String]| -> Option<String> {
        let mut usual = usual.iter();
        usual.find_map(|usual| {
            among
                .iter()
                .find(|name| name.as_str() == *usual)
                .copied()
                .cloned()
        })
    };
    let listening: Vec<&String> = candidates.iter().collect();
    let only = (all.len() == 1).then(|| all[0].clone());
    let chosen = named(&listening)
        .or_else(|| candidates.first().cloned())
        .or_else(|| named(&all))
        .or(only);
    match &chosen {
        Some(service) => draft.check(file, format!("every host goes to `{service}`")),
        None => draft.check(
            file,
            "no app sets PORT: add a [[route]] to the one that users meet",
        ),
    }
    chosen
}

fn propose(app: &Js, file: &str, draft: &mut Draft, candidates: &mut Vec<String>) {
    let Some(Js::Text(script)) = app.get("script") else {
        draft.skipped(file, "an app whose `script` is no plain string");
        return;
    };
    let name = match app.get("name") {
        Some(Js::Text(name)) => name.clone(),
        _ => script.clone(),
    };
    let name = draft.free_name(&name);
    let mut reader = App {
        app,
        file,
        name: &name,
        draft,
    };
    let run = reader.command(script);
    let mut keys = reader.keys();
    keys.push(("stop", reader.stop(), "The signal that PM2 sends."));
    let (env, has_port) = reader.env();
    reader.skip_unknown();
    draft.took(file, format!("`{name}` as service `{name}`: {script}"));
    if has_port {
        candidates.push(name.clone());
    }
    draft.services.push(ServiceDraft {
        name,
        run: Some(run),
        keys,
        env,
        ..ServiceDraft::default()
    });
}

struct App<'a> {
    app: &'a Js,
    file: &'a str,
    name: &'a str,
    draft: &'a mut Draft,
}

impl App<'_> {
    fn skipped(&mut self, what: &str) {
        self.draft
            .skipped(self.file, format!("{what} of `{}`", self.name));
    }

    /// Words of a key that is a string or an array.
    fn words(&mut self, key: &str) -> Vec<String> {
        let words = match self.app.get(key) {
            None | Some(Js::Nothing) => return Vec::new(),
            Some(Js::Text(text)) => shell_words::split(text).ok(),
            Some(Js::List(items)) => items.iter().map(Js::scalar).collect(),
            Some(_) => None,
        };
        words.unwrap_or_else(|| {
            self.skipped(&format!("the computed `{key}`"));
            Vec::new()
        })
    }

    fn command(&mut self, script: &str) -> Command {
        let interpreter = match self.app.get("interpreter").and_then(Js::scalar) {
            Some(none) if none == "none" => None,
            Some(interpreter) => Some(interpreter),
            None => by_extension(script).map(str::to_owned),
        };
        let mut words: Vec<String> = Vec::new();
        if let Some(interpreter) = interpreter {
            words.push(interpreter);
            words.extend(self.words("node_args"));
            words.extend(self.words("interpreter_args"));
        }
        // PM2 takes a script with spaces for a line of a shell.
        match shell_words::split(script) {
            Ok(parts) if words.is_empty() => words.extend(parts),
            _ => words.push(script.to_owned()),
        }
        words.extend(self.words("args"));
        Command::Argv(words)
    }

    fn keys(&mut self) -> Vec<(&'static str, String, &'static str)> {
        let mut keys = Vec::new();
        match self.app.get("cwd") {
            None | Some(Js::Nothing) => {}
            Some(Js::Text(cwd)) if crate::values::relative(cwd).is_ok() => {
                if let Ok(dir) = crate::values::relative(cwd)
                    && dir != "."
                {
                    keys.push(("dir", quoted(&dir), ""));
                }
            }
            Some(_) => self.skipped("`cwd` (absolute or computed)"),
        }
        if let Some(replicas) = self.replicas() {
            keys.push(("replicas", replicas.to_string(), ""));
        }
        if let Some(limit) = self.app.get("max_memory_restart") {
            match limit
                .scalar()
                .filter(|limit| crate::values::size(limit).is_ok())
            {
                Some(limit) => keys.push((
                    "limits",
                    format!("{{ memory = {} }}", quoted(&limit)),
                    "PM2 restarts above this; here the kernel does not let it go above.",
                )),
                None => self.skipped("`max_memory_restart`"),
            }
        }
        keys
    }

    fn replicas(&mut self) -> Option<u32> {
        let instances = self.app.get("instances")?;
        match instances {
            Js::Number(count) if *count >= 1.0 && *count <= 1000.0 => {
                let count = *count as u32;
                (count > 1).then_some(count)
            }
            Js::Text(count) if count.parse::<u32>().is_ok_and(|n| (1..=1000).contains(&n)) => {
                count.parse().ok().filter(|&count| count > 1)
            }
            Js::Text(_) | Js::Number(_) => {
                let message = format!("`{}` has 2 replicas, for one per core", self.name);
                self.draft.check(self.file, message);
                Some(2)
            }
            _ => {
                self.skipped("the computed `instances`");
                None
            }
        }
    }

    fn stop(&mut self) -> String {
        match self.app.get("kill_timeout") {
            Some(Js::Number(millis)) if *millis >= 0.0 && *millis < 1e9 => {
                format!(
                    "{{ signal = \"SIGINT\", grace = \"{}ms\" }}",
                    *millis as u64
                )
            }
            Some(_) => {
                self.skipped("the computed `kill_timeout`");
                "{ signal = \"SIGINT\" }".to_owned()
            }
            None => "{ signal = \"SIGINT\" }".to_owned(),
        }
    }

    /// The variables, those of production over the others, and whether `PORT` is one.
    fn env(&mut self) -> (Vec<(String, String)>, bool) {
        let mut env: Vec<(String, String)> = Vec::new();
        let mut has_port = false;
        for key in ["env", "env_production"] {
            let entries = match self.app.get(key) {
                Some(Js::Object(entries)) => entries.clone(),
                None | Some(Js::Nothing) => continue,
                Some(_) => {
                    self.skipped(&format!("the computed `{key}`"));
                    continue;
                }
            };
            for (name, value) in entries {
                if matches!(name.as_str(), "PORT" | "HOST") {
                    has_port |= name == "PORT";
                    self.skipped(&format!("`{name}` (every instance is given its own)"));
                    continue;
                }
                match value.scalar() {
                    Some(value) => {
                        env.retain(|(known, _)| *known != name);
                        env.push((name, value));
                    }
                    None => self.skipped(&format!("the computed variable `{name}`")),
                }
            }
        }
        (env, has_port)
    }

    fn skip_unknown(&mut self) {
        if matches!(self.app.get("wait_ready"), Some(Js::Boolean(true))) {
            let why = "an instance is ready when its port accepts connections";
            self.skipped(&format!("`wait_ready` ({why})"));
        }
        let Js::Object(entries) = self.app else {
            return;
        };
        for (key, _) in entries {
            if !KNOWN.contains(&key.as_str()) {
                self.skipped(&format!("`{key}`"));
            }
        }
    }
}

fn by_extension(script: &str) -> Option<&'static str> {
    if script.contains(char::is_whitespace) {
        return None;
    }
    match script.rsplit_once('.')?.1 {
        "js" | "cjs" | "mjs" => Some("node"),
        "py" => Some("python3"),
        "sh" => Some("bash"),
        "rb" => Some("ruby"),
        "php" => Some("php"),
        _ => None,
    }
}
