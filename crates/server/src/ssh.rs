//! The user's own `ssh`: keys, agent, configuration, known hosts and jump hosts are as ssh has them.

use std::fmt;
use std::io;
use std::process::{ExitStatus, Stdio};

use landfall_model::ServerAddress;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command};

/// Names the command to use in place of `ssh`, with its options.
const OVERRIDE: &str = "LANDFALL_SSH";
/// What is set unless the user's command sets it: a connection that is dead is found dead within
/// three quarters of a minute, and nothing asks for a password where nobody sees it.
const OPTIONS: [&str; 4] = [
    "-oServerAliveInterval=15",
    "-oServerAliveCountMax=3",
    "-oConnectTimeout=15",
    "-oBatchMode=yes",
];
/// The code with which ssh ends when it is itself that failed.
const SSH_FAILED: i32 = 255;
/// Lines of what ssh said that are shown.
const TAIL: usize = 6;

/// A way to a server.
#[derive(Debug, Clone)]
pub struct Ssh {
    command: Vec<String>,
    address: ServerAddress,
}

/// A command that ran on a server.
#[derive(Debug, Clone)]
pub struct Ran {
    /// How it ended.
    pub code: i32,
    /// What it printed.
    pub stdout: String,
    /// What it complained.
    pub stderr: String,
}

/// A command that runs on a server, with its ends.
#[derive(Debug)]
pub struct Tunnel {
    /// What goes in.
    pub input: ChildStdin,
    /// What comes out.
    pub output: ChildStdout,
    /// How it ends.
    pub end: TunnelEnd,
}

/// The end of a tunnel. Dropping it ends the connection.
#[derive(Debug)]
pub struct TunnelEnd {
    address: ServerAddress,
    child: Child,
    stderr: ChildStderr,
}

/// Why a server was not reached, or did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum SshError {
    /// The command of ssh that the variable names is none.
    #[error("{OVERRIDE} is no command: {0}")]
    Override(String),
    /// There is no `ssh`.
    #[error("failed to run {program}")]
    NoSsh {
        /// What was run.
        program: String,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// Its host key is not known.
    #[error("the host key of {address} is not known")]
    UnknownHost {
        /// Which server.
        address: ServerAddress,
        /// What ssh said.
        said: String,
    },
    /// Its host key is another than it was.
    #[error("the host key of {address} has changed")]
    ChangedHost {
        /// Which server.
        address: ServerAddress,
        /// What ssh said.
        said: String,
    },
    /// It takes none of the user's keys.
    #[error("{address} does not let you in")]
    Refused {
        /// Which server.
        address: ServerAddress,
        /// What ssh said.
        said: String,
    },
    /// It cannot be reached, or the connection broke.
    #[error("{address} cannot be reached")]
    Unreachable {
        /// Which server.
        address: ServerAddress,
        /// What ssh said.
        said: String,
    },
    /// There is no Landfall on it.
    #[error("Landfall is not installed on {address}")]
    NotInstalled {
        /// Which server.
        address: ServerAddress,
    },
    /// What was run there failed.
    #[error("a command failed on {address}, with exit code {code}")]
    Failed {
        /// Which server.
        address: ServerAddress,
        /// The code.
        code: i32,
        /// What it said.
        said: String,
    },
    /// The pipes to ssh broke.
    #[error("lost the connection to {address}")]
    Io {
        /// Which server.
        address: ServerAddress,
        /// Why.
        #[source]
        source: io::Error,
    },
}

impl SshError {
    /// What ssh or the command said, in its own words.
    pub fn said(&self) -> Option<&str> {
        match self {
            Self::UnknownHost { said, .. }
            | Self::ChangedHost { said, .. }
            | Self::Refused { said, .. }
            | Self::Unreachable { said, .. }
            | Self::Failed { said, .. } => Some(said)
                .filter(|said| !said.is_empty())
                .map(|s| s as &str),
            _ => None,
        }
    }

    /// What to do about it.
    pub fn fix(&self) -> Option<String> {
        Some(match self {
            Self::Override(_) => format!("write it as for a shell: {OVERRIDE}=\"ssh -F config\""),
            Self::NoSsh { .. } => {
                format!("install the OpenSSH client, or name another in {OVERRIDE}")
            }
            Self::UnknownHost { address, .. } => format!(
                "`ssh {address}` once by hand: it shows the key's fingerprint and asks whether \
                 it is the server's"
            ),
            Self::ChangedHost { address, .. } => format!(
                "if the server was installed anew, remove the old key with `ssh-keygen -R`; if \
                 not, somebody else may be answering in its place. `ssh {address}` tells more"
            ),
            Self::Refused { address, .. } => format!(
                "see that `ssh {address}` works without a password: `ssh-copy-id {address}` \
                 brings your key there, `ssh-add` unlocks one with a passphrase"
            ),
            Self::Unreachable { address, .. } => {
                format!("see whether `ssh {address}` works, and whether the server is up")
            }
            Self::NotInstalled { address } => {
                format!("`landfall server add {address}` installs it")
            }
            Self::Failed { .. } | Self::Io { .. } => return None,
        })
    }
}

impl Ssh {
    /// The way to a server, with the command that the environment names, else `ssh`.
    ///
    /// # Errors
    /// When what the environment names is no command.
    pub fn to(address: &ServerAddress) -> Result<Self, SshError> {
        let named = std::env::var(OVERRIDE)
            .ok()
            .filter(|text| !text.trim().is_empty());
        let mut command = match named {
            None => vec!["ssh".to_owned()],
            Some(text) => {
                shell_words::split(&text).map_err(|error| SshError::Override(error.to_string()))?
            }
        };
        command.extend(OPTIONS.map(str::to_owned));
        Ok(Self {
            command,
            address: address.clone(),
        })
    }

    /// The same, for much at once: a binary is half as much on the way.
    #[must_use]
    pub fn compressed(&self) -> Self {
        let mut command = self.command.clone();
        command.push("-oCompression=yes".to_owned());
        Self {
            command,
            address: self.address.clone(),
        }
    }

    /// What the server is called on the network, as ssh finds it; `None` where it does not tell.
    pub async fn host_name(&self) -> Option<String> {
        let (program, options) = self.command.split_first()?;
        let asked = Command::new(program)
            .args(options)
            .args(["-G", self.address.as_str()])
            .stdin(Stdio::null())
            .output();
        let told = String::from_utf8(asked.await.ok()?.stdout).ok()?;
        told.lines()
            .find_map(|line| line.strip_prefix("hostname "))
            .map(str::to_owned)
    }

    /// The server.
    pub fn address(&self) -> &ServerAddress {
        &self.address
    }

    /// Runs a command there, gives it `input` and waits for its end. `words` go through the shell
    /// of the user there and are quoted for it.
    ///
    /// # Errors
    /// When the server cannot be reached. A command that fails is no error.
    pub async fn run(
        &self,
        words: &[&str],
        mut input: impl AsyncRead + Unpin,
    ) -> Result<Ran, SshError> {
        let mut child = self.spawn(words)?;
        let io_error = |source| SshError::Io {
            address: self.address.clone(),
            source,
        };
        let (stdin, stdout, stderr) =
            (child.stdin.take(), child.stdout.take(), child.stderr.take());
        let feed = async {
            let Some(mut stdin) = stdin else {
                return Ok(());
            };
            match tokio::io::copy(&mut input, &mut stdin).await {
                // It does not want more; how it ended says why.
                Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error),
                _ => match stdin.shutdown().await {
                    Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error),
                    _ => Ok(()),
                },
            }
        };
        let (fed, stdout, stderr, status) =
            tokio::join!(feed, all_of(stdout), all_of(stderr), child.wait());
        fed.map_err(io_error)?;
        let (stdout, stderr) = (stdout.map_err(io_error)?, stderr.map_err(io_error)?);
        let code = code(status.map_err(io_error)?);
        if code == SSH_FAILED {
            return Err(failure(&self.address, &stderr));
        }
        Ok(Ran {
            code,
            stdout,
            stderr,
        })
    }

    /// As [`Ssh::run`], for a command that has to succeed: what it printed.
    ///
    /// # Errors
    /// When the server cannot be reached, or the command fails.
    pub async fn succeed(
        &self,
        words: &[&str],
        input: impl AsyncRead + Unpin,
    ) -> Result<String, SshError> {
        let ran = self.run(words, input).await?;
        match ran.code {
            0 => Ok(ran.stdout),
            code => Err(SshError::Failed {
                address: self.address.clone(),
                code,
                said: tail(&ran.stderr),
            }),
        }
    }

    /// Starts a command there whose ends stay open.
    ///
    /// # Errors
    /// When ssh cannot be started.
    pub fn tunnel(&self, words: &[&str]) -> Result<Tunnel, SshError> {
        let mut child = self.spawn(words)?;
        let closed = || SshError::Io {
            address: self.address.clone(),
            source: io::ErrorKind::BrokenPipe.into(),
        };
        let input = child.stdin.take().ok_or_else(closed)?;
        let output = child.stdout.take().ok_or_else(closed)?;
        let stderr = child.stderr.take().ok_or_else(closed)?;
        let end = TunnelEnd {
            address: self.address.clone(),
            child,
            stderr,
        };
        Ok(Tunnel { input, output, end })
    }

    fn spawn(&self, words: &[&str]) -> Result<Child, SshError> {
        let (program, options) = match self.command.split_first() {
            Some(split) => split,
            None => return Err(SshError::Override("it is empty".into())),
        };
        Command::new(program)
            .args(options)
            .arg(self.address.as_str())
            .arg("--")
            .arg(shell_words::join(words))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            // An interrupt at the terminal is for us: what it means for the server we say.
            .process_group(0)
            .kill_on_drop(true)
            .spawn()
            .map_err(|source| SshError::NoSsh {
                program: program.clone(),
                source,
            })
    }
}

impl TunnelEnd {
    /// Waits for the end, and says why it came.
    pub async fn why(mut self) -> SshError {
        let mut said = String::new();
        let read = self.stderr.read_to_string(&mut said);
        let (_, status) = tokio::join!(read, self.child.wait());
        match status.map(code) {
            Ok(SSH_FAILED) | Err(_) => failure(&self.address, &said),
            Ok(126 | 127) => SshError::NotInstalled {
                address: self.address,
            },
            Ok(code) => SshError::Failed {
                address: self.address,
                code,
                said: tail(&said),
            },
        }
    }
}

impl fmt::Display for Ssh {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.address.fmt(f)
    }
}

async fn all_of(from: Option<impl AsyncRead + Unpin>) -> io::Result<String> {
    let mut bytes = Vec::new();
    if let Some(mut from) = from {
        from.read_to_end(&mut bytes).await?;
    }
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

fn code(status: ExitStatus) -> i32 {
    status.code().unwrap_or(SSH_FAILED)
}

/// What a failure of ssh itself means, by what it said: it has one exit code for all of them.
fn failure(address: &ServerAddress, stderr: &str) -> SshError {
    let (address, said) = (address.clone(), tail(stderr));
    let has = |text: &str| stderr.contains(text);
    if has("REMOTE HOST IDENTIFICATION HAS CHANGED") {
        return SshError::ChangedHost { address, said };
    }
    if has("Host key verification failed") || has("No matching host key") {
        return SshError::UnknownHost { address, said };
    }
    if has("Permission denied") || has("Too many authentication failures") {
        return SshError::Refused { address, said };
    }
    SshError::Unreachable { address, said }
}

/// The end of what was said, without blank lines and ssh's carriage returns.
fn tail(text: &str) -> String {
    let lines: Vec<&str> = text
        .lines()
        .map(str::trim_end)
        .filter(|line| !line.is_empty())
        .collect();
    lines[lines.len().saturating_sub(TAIL)..].join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_ssh_says_tells_what_is_wrong() {
        let address: ServerAddress = "deploy@web".parse().unwrap();
        let of = |said: &str| failure(&address, said).to_string();
        assert_eq!(
            of("No ED25519 host key is known for web.\r\nHost key verification failed.\r\n"),
            "the host key of deploy@web is not known"
        );
        assert_eq!(
            of(
                "@ WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED! @\nHost key verification failed.\n"
            ),
            "the host key of deploy@web has changed"
        );
        assert_eq!(
            of("deploy@web: Permission denied (publickey).\n"),
            "deploy@web does not let you in"
        );
        assert_eq!(
            of("ssh: connect to host web port 22: Connection refused\n"),
            "deploy@web cannot be reached"
        );
    }
}
