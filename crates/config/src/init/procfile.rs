//! Procfile: a service for every line, `release` before the switch.

use super::write::TaskDraft;
use super::{Command, Draft, InitError, Project, ServiceDraft};

const FILE: &str = "Procfile";

/// Proposes the processes of a Procfile, if there is one.
pub(super) fn detect(project: &Project<'_>, draft: &mut Draft) -> Result<bool, InitError> {
    let Some(text) = project.read(FILE)? else {
        return Ok(false);
    };
    let mut release = None;
    for line in text.lines() {
        let line = line.trim();
        let Some((name, command)) = line.split_once(':').filter(|_| !line.starts_with('#')) else {
            continue;
        };
        let (name, command) = (name.trim(), command.trim());
        if name.is_empty() || command.is_empty() {
            continue;
        }
        let run = Command::from_shell(command);
        if name == "release" {
            release = Some(run);
            continue;
        }
        let service = draft.free_name(name);
        draft.took(FILE, format!("`{name}` as service `{service}`: {command}"));
        if name == "web" {
            draft.route = Some(service.clone());
        }
        draft.services.push(ServiceDraft {
            name: service,
            run: Some(run),
            ..ServiceDraft::default()
        });
    }
    let Some(first) = draft.services.first().map(|service| service.name.clone()) else {
        return Err(InitError::Unusable {
            file: FILE.to_owned(),
            reason: "no line of it is a name, a colon and a command".to_owned(),
        });
    };
    if let Some(run) = release {
        draft.took(FILE, "`release` as a task before the switch");
        draft.tasks.push(TaskDraft {
            name: "release".to_owned(),
            service: draft.route.clone().unwrap_or(first),
            run,
        });
    }
    Ok(true)
}
