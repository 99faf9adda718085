//! Running the binary on a server as root: its upload, sudo and its password.

use std::path::Path;

use landfall_model::env::Secret;
use landfall_server::{Facts, Ran, Ssh, Sudo};
use tokio::io::AsyncReadExt;

use crate::command_error::{CommandError, CommandResult, ErrorKind};
use crate::context::Context;

/// Gives the password of sudo where nobody can be asked.
const PASSWORD: &str = "LANDFALL_SUDO_PASSWORD";
/// Takes the binary into a directory of the user's own, and says where it is.
const RECEIVE: &str = r#"umask 077 && d=$(mktemp -d "$HOME/.landfall-XXXXXX") && cat >"$d/landfall" && chmod 700 "$d/landfall" && echo "$d""#;

/// How commands become root's on a server.
pub(super) struct Root {
    password: Option<Secret>,
    sudo: Sudo,
}

impl Root {
    /// Finds out, and asks for a password where one is needed.
    ///
    /// # Errors
    /// When nobody can be asked.
    pub(super) fn on(context: &Context, ssh: &Ssh, facts: &Facts) -> CommandResult<Self> {
        let password = match facts.sudo {
            Sudo::Password => Some(password(context, ssh, &facts.user)?),
            _ => None,
        };
        Ok(Self {
            password,
            sudo: facts.sudo,
        })
    }

    /// Runs a command as root.
    ///
    /// # Errors
    /// When the server cannot be reached, or sudo does not let the user.
    pub(super) async fn run(&self, ssh: &Ssh, words: &[&str]) -> CommandResult<Ran> {
        let before: &[&str] = match self.sudo {
            Sudo::Root | Sudo::None => &[],
            Sudo::Free => &["sudo", "-n", "--"],
            Sudo::Password => &["sudo", "-S", "-p", "", "--"],
        };
        let words = [before, words].concat();
        let line = self
            .password
            .as_ref()
            .map(|password| format!("{}\n", password.reveal()));
        let input = line.unwrap_or_default();
        let ran = ssh.run(&words, input.as_bytes()).await?;
        let is_refused = |text: &str| ran.stderr.contains(text);
        if ran.code != 0 && (is_refused("incorrect password") || is_refused("Sorry, try again")) {
            let message = format!("sudo on {ssh} does not take the password");
            return Err(CommandError::new(ErrorKind::Refused, message));
        }
        if ran.code != 0 && (is_refused("not in the sudoers") || is_refused("not allowed to")) {
            let message = format!("the user may not use sudo on {ssh}");
            return Err(CommandError::new(ErrorKind::Refused, message)
                .hint("name a user who is root or may: `landfall server add root@…`"));
        }
        Ok(ran)
    }
}

fn password(context: &Context, ssh: &Ssh, user: &str) -> CommandResult<Secret> {
    if let Ok(given) = std::env::var(PASSWORD) {
        return Ok(Secret::new(given));
    }
    if !context.printer.can_ask() {
        let message = format!("sudo on {ssh} asks {user} for a password");
        return Err(CommandError::new(ErrorKind::Refused, message).hint(format!(
            "nobody is at the terminal to give it; {PASSWORD} does, or a user who needs none"
        )));
    }
    let question = format!("password of {user} for sudo on {ssh}:");
    Ok(Secret::new(context.printer.ask_hidden(&question)?))
}

/// A binary in a directory of its own on a server.
pub(super) struct Uploaded {
    directory: String,
    /// What it says that it is.
    pub(super) version: String,
}

impl Uploaded {
    /// Brings a binary to a server and sees that it runs there.
    ///
    /// # Errors
    /// When it cannot be brought there, or does not run.
    pub(super) async fn bring(ssh: &Ssh, binary: &Path) -> CommandResult<Self> {
        let file = tokio::fs::File::open(binary).await.map_err(|error| {
            CommandError::from(error).during(format!("failed to read {}", binary.display()))
        })?;
        let length = file.metadata().await?.len();
        let directory = ssh
            .compressed()
            .succeed(&["sh", "-c", RECEIVE], file.take(length))
            .await?;
        let mut uploaded = Self {
            directory: directory.trim().to_owned(),
            version: String::new(),
        };
        let program = uploaded.program();
        let ran = ssh
            .run(&[&program, "--version"], tokio::io::empty())
            .await?;
        let said = ran.stdout.trim().strip_prefix("landfall ");
        if let (0, Some(version)) = (ran.code, said) {
            version.clone_into(&mut uploaded.version);
            return Ok(uploaded);
        }
        uploaded.remove(ssh).await?;
        let message = format!("the binary does not run on {ssh}");
        let said = crate::printer::plain_lines(ran.stderr.trim());
        Err(CommandError::new(ErrorKind::Refused, message).rendered(said).hint(
            "it needs libraries that the server does not have; `cargo xtask dist` makes one that \
             needs none, and `--binary PATH` names it",
        ))
    }

    /// Where it is.
    pub(super) fn program(&self) -> String {
        format!("{}/landfall", self.directory)
    }

    /// Removes it.
    ///
    /// # Errors
    /// When the server cannot be reached.
    pub(super) async fn remove(&self, ssh: &Ssh) -> CommandResult<()> {
        ssh.run(&["rm", "-rf", "--", &self.directory], tokio::io::empty())
            .await?;
        Ok(())
    }
}
