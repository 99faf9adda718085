//! What every command has: how to print, what was asked for globally, and where state is.

use std::path::PathBuf;

use landfall_agent::paths::StatePaths;
use landfall_model::{EnvironmentName, ServerAddress};

use crate::agent_control::AgentControl;
use crate::ci::{self, Ci};
use crate::cli::GlobalArgs;
use crate::client::Client;
use crate::command_error::{CommandError, CommandResult};
use crate::printer::{Display, Printer, PrinterOptions};
use crate::project::{self, Project};
use crate::remote;
use crate::state_dir::state_paths;

/// The surroundings of a command.
pub struct Context {
    /// Prints.
    pub printer: Printer,
    /// The global options.
    pub global: GlobalArgs,
    /// The job of a CI system that this runs in, for `deploy --ci`.
    pub ci: Option<Ci>,
}

impl Context {
    /// The surroundings that the global options make.
    pub fn new(global: GlobalArgs) -> Self {
        let printer = Printer::new(PrinterOptions {
            json: global.json,
            quiet: global.quiet,
            color: global.color,
            display: Display::Auto,
        });
        Self {
            printer,
            global,
            ci: None,
        }
    }

    /// The same in a job of a CI system: nobody is asked, nothing moves on the screen.
    ///
    /// # Errors
    /// When signals cannot be listened to.
    pub fn in_job(&self) -> CommandResult<Self> {
        let ci = Ci::of_environment()?;
        let printer = Printer::new(PrinterOptions {
            json: self.global.json,
            quiet: self.global.quiet,
            color: self.global.color,
            display: ci.display(),
        });
        Ok(Self {
            printer,
            global: GlobalArgs {
                yes: true,
                ..self.global.clone()
            },
            ci: Some(ci),
        })
    }

    /// Where state is.
    ///
    /// # Errors
    /// When the environment names no place for it.
    pub fn paths(&self) -> CommandResult<StatePaths> {
        state_paths()
    }

    /// The agent's keeper.
    ///
    /// # Errors
    /// When there is no place for state, or this binary cannot find itself.
    pub fn agent(&self) -> CommandResult<AgentControl> {
        Ok(AgentControl::new(self.paths()?, program()?))
    }

    /// A client of the agent of the environment: on its server, or on this machine, where it is
    /// started if it does not run.
    ///
    /// # Errors
    /// When it cannot be started, does not answer, or speaks another language.
    pub async fn client(&self) -> CommandResult<Client> {
        self.client_of(self.server()?.as_ref()).await
    }

    /// A client of the agent of a server, or of this machine's.
    ///
    /// # Errors
    /// As [`Context::client`].
    pub async fn client_of(&self, server: Option<&ServerAddress>) -> CommandResult<Client> {
        match server {
            Some(server) => remote::client(server).await,
            None => self.agent()?.ensure(&self.printer).await,
        }
    }

    /// The server of the environment; `None` where it is this machine, or nothing says.
    ///
    /// # Errors
    /// When the file that says it cannot be read.
    pub fn server(&self) -> CommandResult<Option<ServerAddress>> {
        match project::find(self.global.file.as_deref()) {
            Ok(file) => Ok(project::servers(&file)?.remove(self.environment())),
            Err(error) if self.global.file.is_some() => Err(error),
            Err(_) => Ok(None),
        }
    }

    /// The environment that was asked for.
    pub fn environment(&self) -> &EnvironmentName {
        &self.global.env
    }

    /// The app that the working directory belongs to.
    ///
    /// # Errors
    /// When there is no `landfall.toml`, or it does not even name its app.
    pub fn project(&self) -> CommandResult<Project> {
        Project::locate(self.global.file.as_deref(), self.environment())
    }

    /// Asks before something that cannot be taken back, or interrupts users. Yes with `--yes`;
    /// where nobody can be asked, no.
    ///
    /// # Errors
    /// When the answer is no, or there is nobody to ask.
    pub fn confirm(&self, question: &str) -> CommandResult<()> {
        if self.global.yes {
            return Ok(());
        }
        if !self.printer.can_ask() {
            let refusal = CommandError::usage(format!("not done without a yes: {question}"));
            return Err(refusal.hint("nobody is at the terminal to ask; `--yes` says it"));
        }
        match self.printer.confirm(question)? {
            true => Ok(()),
            false => Err(CommandError::usage("not confirmed; nothing was done")),
        }
    }
}

/// The path of this binary, by which it starts its other modes.
///
/// # Errors
/// When the system does not tell.
pub fn program() -> CommandResult<PathBuf> {
    std::env::current_exe()
        .map_err(|error| CommandError::from(error).during("failed to find the landfall binary"))
}

/// Who asks: `user@host`, or who started the job of GitHub Actions that asks.
pub fn asked_by() -> String {
    let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    if let Some(job) = ci::asked_by(variable) {
        return job;
    }
    let user = variable("USER")
        .or_else(|| variable("LOGNAME"))
        .unwrap_or_else(user_of_this_process);
    let host = rustix::system::uname()
        .nodename()
        .to_string_lossy()
        .into_owned();
    format!("{user}@{host}")
}

/// The name of the user in `/etc/passwd`, else its number: cron and CI often set no `USER`.
fn user_of_this_process() -> String {
    let uid = rustix::process::getuid().as_raw().to_string();
    let users = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
    let named = users.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        (fields.nth(1)? == uid).then(|| name.to_owned())
    });
    named.unwrap_or_else(|| format!("uid {uid}"))
}
