//! The server's end of `git push`: a repository of the user who pushes, and its hook, which deploys
//! before git takes what is pushed. A deploy that fails is a push that fails.

use std::fs;
use std::io::{self, Read};
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};

use landfall_agent::api::types::EnvironmentView;
use landfall_config::BuildOn;
use landfall_model::plan::Intent;
use landfall_server::INSTALLED;
use serde::{Deserialize, Serialize};

use super::git::is_plain;
use super::{GitInitArgs, GitReceiveArgs};
use crate::checkout::Checkout;
use crate::command_error::{CommandError, CommandResult, ErrorKind};
use crate::commands::plan::plan_or_deploy;
use crate::context::{Context, program};
use crate::deployment::RunOptions;
use crate::exit::ExitCode;
use crate::git::Git;
use crate::project::Project;
use crate::render::short_commit;
use crate::shipping::ShipOptions;

/// What `git push -o` says to deploy a commit that does not have what is live.
const OLDER: &str = "older";

/// A repository that deploys what it gets.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Repository {
    /// Where it is.
    pub path: String,
}

/// Makes the repository, or sets another branch.
pub(super) fn init(context: &Context, args: &GitInitArgs) -> CommandResult {
    let home = std::env::home_dir().filter(|home| is_plain(home));
    let home = home.ok_or_else(|| CommandError::usage("HOME names no directory"))?;
    let environment = context.environment();
    let path = home
        .join("landfall")
        .join(args.app.as_str())
        .join(format!("{environment}.git"));
    let mut private = fs::DirBuilder::new();
    private.recursive(true).mode(0o700).create(&path)?;
    let git = Git::in_dir(&path);
    git.run(&["init", "--quiet", "--bare"])?;
    git.run(&["config", "receive.advertisePushOptions", "true"])?;
    git.run(&[
        "symbolic-ref",
        "HEAD",
        &format!("refs/heads/{}", args.branch),
    ])?;
    write_hook(&path.join("hooks"), &hook(context, args)?)?;
    let repository = Repository {
        path: path.to_string_lossy().into_owned(),
    };
    context.printer.json(&repository);
    context.printer.show(&repository.path);
    Ok(ExitCode::Ok)
}

fn hook(context: &Context, args: &GitInitArgs) -> CommandResult<String> {
    let program = match fs::canonicalize(INSTALLED).ok() == Some(program()?) {
        // Another version is at the same place tomorrow.
        true => PathBuf::from(INSTALLED),
        false => program()?,
    };
    let program = program.to_string_lossy();
    let environment = context.environment().as_str();
    let mut words = vec![&*program, "--yes", "--env", environment];
    words.extend(["server", "git-receive", "--app", args.app.as_str()]);
    words.extend(["--branch", &args.branch, "--dir", &args.dir]);
    let command = shell_words::join(words);
    Ok(format!(
        "#!/bin/sh\n# Written by `landfall server git`, which puts back what is changed here.\nexec {command}\n"
    ))
}

fn write_hook(hooks: &Path, text: &str) -> io::Result<()> {
    fs::create_dir_all(hooks)?;
    let mut file = tempfile::NamedTempFile::new_in(hooks)?;
    io::Write::write_all(&mut file, text.as_bytes())?;
    file.as_file()
        .set_permissions(fs::Permissions::from_mode(0o755))?;
    file.persist(hooks.join("pre-receive"))
        .map_err(|error| error.error)?;
    Ok(())
}

/// Deploys what is being pushed. Runs as git's hook `pre-receive`.
pub(super) async fn receive(context: &Context, args: &GitReceiveArgs) -> CommandResult {
    if std::env::var_os("GIT_DIR").is_none() {
        return Err(CommandError::usage("git runs this, when somebody pushes"));
    }
    let git = Git::of_hook();
    let mut pushed = String::new();
    io::stdin().read_to_string(&mut pushed)?;
    let (old, new) = one_update(&pushed, &args.branch)?;
    let commit = git.run(&[
        "rev-parse",
        "--verify",
        "--end-of-options",
        &format!("{new}^{{commit}}"),
    ])?;
    let checkout = Checkout::pushed(&commit, &args.branch, &args.dir)?;
    let file = checkout.file();
    if !file.is_file() {
        let place = args.dir.join(landfall_config::FILE_NAME);
        let message = format!("there is no {} in this commit", place.display());
        let error = CommandError::new(ErrorKind::Config, message);
        return Err(error.hint("`landfall init` writes one; commit it"));
    }
    let project = Project::locate(Some(&file), context.environment())?;
    if project.app != args.app {
        let message = format!("this is {}, and here {} is deployed", project.app, args.app);
        return Err(CommandError::new(ErrorKind::Refused, message)
            .hint("`landfall server git` makes a remote for it"));
    }
    check_order(context, &git, &project, (&old, &commit)).await?;
    let ship = ShipOptions {
        build_on: Some(BuildOn::Server),
        limit: None,
    };
    let intent = Intent::Deploy {
        force: false,
        only: Vec::new(),
    };
    plan_or_deploy(
        context,
        intent,
        RunOptions::default(),
        ship,
        Some(&checkout),
    )
    .await
}

/// The one update that can be deployed: old and new object.
fn one_update(pushed: &str, branch: &str) -> CommandResult<(String, String)> {
    let refused = |message: String| {
        let hint = format!("`git push REMOTE HEAD:{branch}` deploys what is checked out");
        Err(CommandError::new(ErrorKind::Refused, message).hint(hint))
    };
    let updates: Vec<Vec<&str>> = pushed
        .lines()
        .map(|line| line.split_whitespace().collect())
        .collect();
    let [update] = &updates[..] else {
        return refused(format!(
            "only {branch} is deployed from here, and nothing is kept besides"
        ));
    };
    let [old, new, name] = update[..] else {
        return refused("git says something unknown".to_owned());
    };
    if name != format!("refs/heads/{branch}") {
        return refused(format!("only {branch} is deployed from here, not {name}"));
    }
    if is_nothing(new) {
        return refused(format!(
            "{branch} is what is deployed; it cannot be deleted"
        ));
    }
    Ok((old.to_owned(), new.to_owned()))
}

/// Git's word for no object.
fn is_nothing(object: &str) -> bool {
    object.bytes().all(|byte| byte == b'0')
}

/// Refuses to go back by mistake: to a commit that does not have what is live, which somebody else
/// deployed.
async fn check_order(
    context: &Context,
    git: &Git,
    project: &Project,
    (old, new): (&str, &str),
) -> CommandResult<()> {
    let client = context.client_of(None).await?;
    let view: Result<EnvironmentView, _> = client.get(&project.api("")).await;
    let Ok(view) = view else {
        // Nothing is deployed there; what else is wrong the deploy says.
        return Ok(());
    };
    let live = view.release.and_then(|release| release.source.commit);
    let Some(live) = live.filter(|live| live.bytes().all(|byte| byte.is_ascii_hexdigit())) else {
        return Ok(());
    };
    // A commit that is not known here is not in it either.
    let lacks = |commit: &str| {
        let range = format!("{new}..{commit}");
        let counted = git.run(&["rev-list", "--count", "--end-of-options", &range]);
        counted.map_or(true, |count| count != "0")
    };
    let has_live = !lacks(&live);
    let is_forced = !is_nothing(old) && lacks(old);
    if has_live || is_forced || options().any(|option| option == OLDER) {
        return Ok(());
    }
    let short = short_commit(&live);
    let message = format!("commit {short} is live, and what is pushed does not have it");
    Err(CommandError::new(ErrorKind::Refused, message).hint(format!(
        "pull it first; `git push -o {OLDER}` deploys this in its place"
    )))
}

/// What `git push -o` said.
fn options() -> impl Iterator<Item = String> {
    let count = std::env::var("GIT_PUSH_OPTION_COUNT").ok();
    let count: u32 = count.and_then(|count| count.parse().ok()).unwrap_or(0);
    (0..count).filter_map(|at| std::env::var(format!("GIT_PUSH_OPTION_{at}")).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn c5_a_push_deploys_its_branch_and_nothing_else() {
        let zero = "0000000000000000000000000000000000000000";
        let good = one_update(&format!("{zero} abc refs/heads/main\n"), "main").unwrap();
        assert_eq!(good, (zero.to_owned(), "abc".to_owned()));
        for bad in [
            String::new(),
            format!("{zero} abc refs/heads/other\n"),
            format!("{zero} abc refs/tags/main\n"),
            format!("abc {zero} refs/heads/main\n"),
            format!("{zero} abc refs/heads/main\n{zero} abc refs/heads/other\n"),
            "one two\n".to_owned(),
        ] {
            assert!(one_update(&bad, "main").is_err(), "{bad}");
        }
    }
}
