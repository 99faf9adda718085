//! Into a box: by ssh like everybody, or by the engine where ssh is cut.

use std::net::IpAddr;
use std::process::{Command, Stdio};

use super::boot::ServerBox;
use super::ssh::User;
use crate::Output;

/// Seconds that a command in a box may take. Far above what a first deployment takes on a busy
/// machine.
const STUCK: &str = "180";

impl ServerBox<'_> {
    /// Its name, which it has as a host too.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Where it is reached from the machine and from other boxes. Stays for as long as it is there.
    pub fn address(&self) -> IpAddr {
        self.address.into()
    }

    /// What to call it for [`ServerBox::ssh_command`] to come as this user: `NAME` or `NAME-USER`.
    pub fn host(&self, user: User) -> String {
        user.host(&self.name)
    }

    /// The command that connects to it: see [`ServerEngine::ssh_command`](super::ServerEngine).
    pub fn ssh_command(&self) -> String {
        self.engine.ssh_command()
    }

    /// Runs a shell script in it by ssh. Where it cannot be reached, the code is 255 after some
    /// seconds.
    pub fn ssh(&self, user: User, script: &str) -> Output {
        let mut ssh = bounded();
        ssh.args(self.ssh_command().split(' '))
            .args(["-o", "BatchMode=yes", "-o", "ConnectTimeout=3"])
            .args(["-o", "ServerAliveInterval=2"])
            .arg(self.host(user))
            .arg(script);
        Output::of(&mut ssh)
    }

    /// Runs a program in it as root, past its network. It cannot while the box is off or frozen.
    pub fn exec(&self, args: &[&str]) -> Output {
        self.client(&[&["exec", &self.name], args].concat())
    }

    /// Runs a command of the engine's client.
    pub(super) fn client(&self, args: &[&str]) -> Output {
        self.client_with(args, Stdio::null())
    }

    /// Runs a command of the engine's client that reads something.
    pub(super) fn client_with(&self, args: &[&str], input: impl Into<Stdio>) -> Output {
        let client = self.engine.docker.client();
        let mut command = bounded();
        command.arg(client.get_program()).args(client.get_args());
        let piped = command.stdout(Stdio::piped()).stderr(Stdio::piped());
        Output::with_input(piped.args(args), input)
    }
}

fn bounded() -> Command {
    let mut timeout = Command::new("timeout");
    timeout.args(["--kill-after=5", STUCK]);
    timeout
}
