//! A project and a state directory of the demo's own, and their end.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use landfall_agent::paths::StatePaths;
use tempfile::TempDir;

use super::acts::Act;
use super::workspace::Workspace;
use crate::agent_control::AgentControl;
use crate::command_error::CommandResult;
use crate::context::program;
use crate::printer::{Printer, Tone};

/// Everything the demo makes is below this.
pub struct Sandbox {
    dir: TempDir,
    program: PathBuf,
    port: u16,
}

impl Sandbox {
    /// An empty one, whose proxy will listen on `port`, or any free one when it is 0.
    ///
    /// # Errors
    /// When there is no room for temporary files.
    pub fn new(port: u16) -> CommandResult<Self> {
        let dir = tempfile::Builder::new()
            .prefix("landfall-demo-")
            .tempdir()?;
        std::fs::create_dir(dir.path().join("hello"))?;
        Ok(Self {
            dir,
            program: program()?,
            port,
        })
    }

    /// The project's directory.
    pub fn project(&self) -> PathBuf {
        self.dir.path().join("hello")
    }

    /// The project's `landfall.toml`.
    pub fn file(&self) -> PathBuf {
        self.project().join(landfall_config::FILE_NAME)
    }

    fn paths(&self) -> StatePaths {
        StatePaths::new(self.dir.path().join("state"))
    }

    /// The keeper of the demo's own agent.
    pub fn agent(&self) -> AgentControl {
        let http = SocketAddr::from((Ipv4Addr::LOCALHOST, self.port));
        AgentControl::new(self.paths(), self.program.clone()).with_http(http)
    }

    /// Makes the project the version of an act.
    ///
    /// # Errors
    /// When a file cannot be written.
    pub fn write(&self, workspace: &Workspace, act: &Act) -> CommandResult<()> {
        let dir = self.project();
        std::fs::write(dir.join("hello.json"), act.hello_json())?;
        std::fs::write(self.file(), act.landfall_toml(&workspace.build_command()))?;
        Ok(())
    }

    /// Stops everything that was started and removes every file. Does not need an agent that
    /// works.
    ///
    /// # Errors
    /// When a process or directory resists.
    pub async fn remove(self) -> CommandResult<()> {
        match self.agent().halt().await {
            Ok(()) => Ok(self.dir.close()?),
            Err(error) => {
                // The directory stays, so that what is left can be found.
                let dir = self.dir.keep();
                Err(error.during(format!("failed to stop all of {}", dir.display())))
            }
        }
    }

    /// Leaves everything as it is, and says how to look at it and how to remove it.
    pub fn keep(self, printer: &Printer) {
        let dir = self.dir.keep();
        let (home, file) = (dir.join("state"), dir.join("hello/landfall.toml"));
        let paint = printer.paint();
        let command = |text: String| paint.tone(Tone::Accent, &text);
        let call = format!(
            "LANDFALL_HOME={} {}",
            home.display(),
            self.program.display()
        );
        printer.say(format!(
            "\nIt keeps running. To look around:\n  {}\nTo remove it:\n  {}",
            command(format!("{call} status --file {}", file.display())),
            command(format!(
                "{call} agent stop --everything --yes && rm -r {}",
                dir.display()
            )),
        ));
    }
}
