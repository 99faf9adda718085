//! `landfall server git`: a remote that deploys what is pushed to it.

use std::path::Path;

use landfall_model::{AppName, EnvironmentName, ServerAddress};
use landfall_server::{INSTALLED, Ssh};
use serde_json::json;

use super::repository::Repository;
use super::{GitArgs, named_or_own};
use crate::command_error::{CommandError, CommandResult, ErrorKind};
use crate::context::Context;
use crate::exit::ExitCode;
use crate::git::Git;
use crate::printer::Tone;

pub(super) async fn git(context: &Context, args: &GitArgs) -> CommandResult {
    let printer = &context.printer;
    let project = context.project()?;
    let server = named_or_own(context, None)?;
    let (app, environment) = (&project.app, &project.environment);
    let here = Git::in_dir(&project.root);
    // Where landfall.toml is in the repository; an error where there is none.
    let prefix = here.run(&["rev-parse", "--show-prefix"]);
    let dir = match prefix.as_deref().unwrap_or_default() {
        "" => ".",
        prefix => prefix.trim_end_matches('/'),
    };
    let made = make(&server, app, environment, &args.branch, dir).await?;
    let url = url(&server, &made.path);
    let name = args.remote.as_deref().unwrap_or(environment.as_str());
    printer.say(format!(
        "{} on {server}: what is pushed to {} is built there and deployed to {environment}",
        made.path, args.branch
    ));
    match prefix {
        Ok(_) => remember(&here, name, &url)?,
        Err(_) => {
            printer.note("this is no git repository; in the one that it is, `git remote add`")
        }
    }
    let push = format!("git push {name} {}", args.branch);
    printer.say(format!(
        "  {}  {url}",
        printer.paint().tone(Tone::Accent, &push)
    ));
    printer.json(&json!({ "remote": name, "url": url, "branch": args.branch }));
    Ok(ExitCode::Ok)
}

/// Has the server make the repository.
async fn make(
    server: &ServerAddress,
    app: &AppName,
    environment: &EnvironmentName,
    branch: &str,
    dir: &str,
) -> CommandResult<Repository> {
    let mut words = vec![INSTALLED, "--json", "--env", environment.as_str()];
    words.extend([
        "server",
        "git-init",
        "--app",
        app.as_str(),
        "--branch",
        branch,
    ]);
    words.extend(["--dir", dir]);
    let ran = Ssh::to(server)?.run(&words, tokio::io::empty()).await?;
    let said = ran.stdout.trim();
    if ran.code == 0 {
        return serde_json::from_str(said).map_err(|error| {
            CommandError::from_error(ErrorKind::Unexpected, &error).during(format!(
                "{server} said something else than it should: {said}"
            ))
        });
    }
    let told = serde_json::from_str::<serde_json::Value>(said).ok();
    let told = told
        .as_ref()
        .and_then(|told| told.pointer("/error/message")?.as_str());
    let error = CommandError::new(
        ErrorKind::Refused,
        told.unwrap_or_else(|| ran.stderr.trim()),
    )
    .during(format!("failed to make a repository on {server}"));
    Err(match ran.code {
        126 | 127 => error.hint(format!(
            "`landfall server add {server}` installs Landfall there"
        )),
        _ => error,
    })
}

/// As git takes it: with the server as ssh knows it.
fn url(server: &ServerAddress, path: &str) -> String {
    match server.as_str().starts_with("ssh://") {
        true => format!("{server}{path}"),
        false => format!("{server}:{path}"),
    }
}

/// Adds the remote, unless it is there.
fn remember(here: &Git, name: &str, url: &str) -> CommandResult<()> {
    match here.run(&["remote", "get-url", "--", name]) {
        Ok(known) if known == url => Ok(()),
        Ok(known) => Err(CommandError::new(
            ErrorKind::Refused,
            format!("there is a remote {name} already, which is {known}"),
        )
        .hint("give this one another name: `--remote NAME`")),
        Err(_) => here.run(&["remote", "add", "--", name, url]).map(drop),
    }
}

/// Whether a repository's path would be taken for something else by git.
pub(super) fn is_plain(path: &Path) -> bool {
    path.to_str()
        .is_some_and(|path| path.starts_with('/') && !path.chars().any(char::is_control))
}
