//! `landfall server`: the servers that apps are deployed to.

mod add;
mod check;
mod git;
mod list;
mod remove;
mod repository;
mod root;
mod setup;

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Subcommand};
use landfall_agent::api::types::AgentInfo;
use landfall_model::{AppName, Network, ServerAddress};
use landfall_server::Ssh;

use crate::client::Client;
use crate::command_error::{CommandError, CommandResult, ErrorKind};
use crate::context::Context;

/// Make servers ready for deployments, look at them, upgrade them, give them back
///
/// A server is any machine that `ssh` reaches: keys, jump hosts and names are those of your own ssh
/// configuration. What is on a server is an agent, which deploys and keeps apps running, and a
/// proxy, which serves their traffic; both are kept by systemd.
#[derive(Debug, Args)]
pub struct ServerArgs {
    /// What to do.
    #[command(subcommand)]
    pub command: ServerCommand,
}

/// What to do with a server.
#[derive(Debug, Subcommand)]
pub enum ServerCommand {
    Add(AddArgs),
    /// List the servers of this app's environments, and whether they answer
    List,
    Check(CheckArgs),
    Upgrade(UpgradeArgs),
    Git(GitArgs),
    Remove(RemoveArgs),
    /// Be root on the server and put everything in place
    #[command(hide = true)]
    Setup(SetupArgs),
    /// Be root on the server and take everything away
    #[command(hide = true)]
    Teardown(TeardownArgs),
    /// Make the repository that deploys what is pushed to it
    #[command(hide = true)]
    GitInit(GitInitArgs),
    /// Deploy what is being pushed, as git's hook
    #[command(hide = true)]
    GitReceive(GitReceiveArgs),
}

/// Make a server ready: look whether it can be one, install agent and proxy, start them
///
/// Says what it found and what it will do, and asks before it does it. What is there already and
/// right is left as it is, so it can be repeated: it repairs, and brings this version to the server.
/// It needs root there, or a user who may use sudo; that user may deploy from then on.
///
/// Examples:
///   landfall server add root@203.0.113.10
///   landfall server add deploy@203.0.113.10 --dry-run        what it would find and do
///   landfall server add deploy@web --http 127.0.0.1:8080     behind a web server that is there
///   landfall server add deploy@203.0.113.10 --docker         for apps in containers
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub struct AddArgs {
    /// The server, as ssh knows it: user@host, or a host of your ssh configuration
    pub server: ServerAddress,
    /// Where the proxy serves HTTP [default: as it is, or 0.0.0.0:80]
    #[arg(long, value_name = "ADDRESS:PORT")]
    pub http: Option<SocketAddr>,
    /// A web server in front, by address or network, whose word about visitors is believed; can be
    /// repeated [default: as it is, or this server's own where HTTP is served on loopback]
    #[arg(long, value_name = "NETWORK")]
    pub behind: Vec<Network>,
    /// Install Docker too, as the server's distribution has it
    #[arg(long)]
    pub docker: bool,
    /// The binary to install [default: this one]
    #[arg(long, value_name = "PATH")]
    pub binary: Option<PathBuf>,
    /// Only look and say what would be done
    #[arg(long)]
    pub dry_run: bool,
}

/// Look at a server: is it fit, do agent and proxy run, do they fit this version
///
/// The exit code is 5 when something on it cannot work.
#[derive(Debug, Args)]
pub struct CheckArgs {
    /// The server [default: that of the environment]
    pub server: Option<ServerAddress>,
}

/// Bring this version to a server: no request is lost, and no app is restarted
///
/// The new proxy takes over the sockets of the old one, which finishes what is under way; the agent
/// is restarted; apps go on under the supervisors that they have. A version that does not come up is
/// taken back.
#[derive(Debug, Args)]
pub struct UpgradeArgs {
    /// The server [default: that of the environment]
    pub server: Option<ServerAddress>,
    /// The binary to install [default: this one]
    #[arg(long, value_name = "PATH")]
    pub binary: Option<PathBuf>,
}

/// Take Landfall from a server
///
/// Agent, proxy and their units go. Apps keep running, without anyone who serves their traffic or
/// starts them again, unless `--stop-apps` is given; their data stays in /var/lib/landfall.
#[derive(Debug, Args)]
pub struct RemoveArgs {
    /// The server
    pub server: ServerAddress,
    /// Stop all apps first
    #[arg(long)]
    pub stop_apps: bool,
}

/// Make a git remote that deploys: `git push` builds on the server and streams the deploy back
///
/// A repository of yours is made on the environment's server, and is added to the one here as a
/// remote. What is pushed to its branch is built there and deployed; a deploy that fails is a push
/// that fails, and leaves the branch as it was. The server needs git.
///
/// Examples:
///   landfall server git --env production      then: git push production main
///   landfall server git --env staging --branch develop
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub struct GitArgs {
    /// The branch that is deployed
    #[arg(long, value_name = "NAME", default_value = "main", value_parser = branch)]
    pub branch: String,
    /// What the remote is called here [default: the environment's name]
    #[arg(long, value_name = "NAME", value_parser = branch)]
    pub remote: Option<String>,
}

/// What can be the name of a branch or a remote and is no option of git.
fn branch(text: &str) -> Result<String, String> {
    let is_fit = |c: char| c.is_alphanumeric() || "-_./+@".contains(c);
    match !text.is_empty() && !text.starts_with('-') && text.chars().all(is_fit) {
        true => Ok(text.to_owned()),
        false => Err("letters, digits and -_./+@ make a name".to_owned()),
    }
}

/// Make the repository that deploys what is pushed to it
#[derive(Debug, Args)]
pub struct GitInitArgs {
    /// The app
    #[arg(long)]
    pub app: AppName,
    /// The branch
    #[arg(long, value_parser = branch)]
    pub branch: String,
    /// Directory of landfall.toml in the repository
    #[arg(long, default_value = ".")]
    pub dir: String,
}

/// Deploy what is being pushed, as git's hook
#[derive(Debug, Args)]
pub struct GitReceiveArgs {
    /// The app
    #[arg(long)]
    pub app: AppName,
    /// The branch
    #[arg(long, value_parser = branch)]
    pub branch: String,
    /// Directory of landfall.toml in the repository
    #[arg(long, default_value = ".")]
    pub dir: PathBuf,
}

/// Be root on the server and put everything in place
#[derive(Debug, Args)]
pub struct SetupArgs {
    /// The binary to put in place
    #[arg(long)]
    pub program: PathBuf,
    /// Its version
    #[arg(long)]
    pub version: String,
    /// Where the proxy serves HTTP
    #[arg(long)]
    pub http: Option<SocketAddr>,
    /// Web servers in front
    #[arg(long)]
    pub behind: Vec<Network>,
    /// Install Docker too
    #[arg(long)]
    pub docker: bool,
    /// Who may deploy
    #[arg(long)]
    pub member: Option<String>,
}

/// Be root on the server and take everything away
#[derive(Debug, Args)]
pub struct TeardownArgs {
    /// Stop all apps first
    #[arg(long)]
    pub stop_apps: bool,
}

/// Does it.
///
/// # Errors
/// When the server cannot be reached, or cannot be what it is to be.
pub async fn cmd_server(context: &Context, args: &ServerArgs) -> CommandResult {
    match &args.command {
        ServerCommand::Add(args) => add::add(context, args).await,
        ServerCommand::List => list::list(context).await,
        ServerCommand::Check(args) => check::check(context, args).await,
        ServerCommand::Upgrade(args) => add::upgrade(context, args).await,
        ServerCommand::Git(args) => git::git(context, args).await,
        ServerCommand::GitInit(args) => repository::init(context, args),
        ServerCommand::GitReceive(args) => repository::receive(context, args).await,
        ServerCommand::Remove(args) => remove::remove(context, args).await,
        ServerCommand::Setup(args) => setup::setup(context, args),
        ServerCommand::Teardown(args) => remove::teardown(context, args).await,
    }
}

/// What the agent of a server says of itself. What it says is shown, not judged.
async fn ask(ssh: &Ssh) -> CommandResult<AgentInfo> {
    let client = Client::of_server(ssh.clone());
    Ok(client.get("/v1/agent").await?)
}

/// The server that was named, or that of the environment.
fn named_or_own(context: &Context, named: Option<&ServerAddress>) -> CommandResult<ServerAddress> {
    match named {
        Some(named) => Ok(named.clone()),
        None => context.server()?.ok_or_else(|| {
            let environment = context.environment();
            let message = format!("environment {environment} is on this machine, not on a server");
            CommandError::new(ErrorKind::Usage, message)
                .hint("name a server, or an environment that has one: `--env production`")
        }),
    }
}
