//! The two engines, and the registry between them.

use std::fs;
use std::process::Command;
use std::time::Duration;

use anyhow::Result;

use crate::docker::{Engine, output};
use crate::http;
use crate::process::{Server, Workplace};

use super::project::Project;
use crate::wire::Wire;

const UP_WITHIN: Duration = Duration::from_secs(60);

/// Who sends, who receives, and a registry that both reach.
pub struct Sides {
    /// The machine that images are built on.
    pub sender: Engine,
    /// The machine that they run on.
    pub server: Engine,
    /// The ways of each to the registry.
    pub to_registry: Wire,
    pub from_registry: Wire,
    _registry: Server,
}

impl Sides {
    /// Starts them.
    ///
    /// # Errors
    /// When one does not start.
    pub fn start(place: &Workplace, case: &str) -> Result<Self> {
        let address = http::free_address()?;
        let dir = place.dir(&format!("registry-{case}"))?;
        let config = dir.join("config.yml");
        fs::write(
            &config,
            format!(
                "version: 0.1\nlog: {{ level: error }}\nstorage: {{ filesystem: {{ rootdirectory: {} }} }}\nhttp: {{ addr: {address} }}\n",
                dir.join("data").display()
            ),
        )?;
        let mut registry = Command::new("docker-registry");
        registry.arg("serve").arg(&config);
        let registry = Server::start(registry, &dir.join("output"))?;
        http::wait_for_200(address, "/v2/", UP_WITHIN)?;
        Ok(Self {
            sender: Engine::start(place, &format!("sender-{case}"))?,
            server: Engine::start(place, &format!("server-{case}"))?,
            to_registry: Wire::to(address)?,
            from_registry: Wire::to(address)?,
            _registry: registry,
        })
    }

    /// Builds a version at the sender; the image's id.
    ///
    /// # Errors
    /// When it does not build.
    pub fn build(&self, project: &Project, version: usize) -> Result<String> {
        let dir = project.at_version(version)?;
        self.sender.build(dir)
    }

    /// Removes an image from the server, with all layers that no other image has.
    ///
    /// # Errors
    /// When it is not there.
    pub fn forget_at_server(&self, image: &str) -> Result<()> {
        output(self.server.docker(&["image", "rm", "--force", image])).map(drop)
    }
}
