//! The storefront as teams run it without Landfall: a directory that rsync fills, and PM2 there.

use std::net::SocketAddr;

use anyhow::Result;

use super::Contest;
use super::site::{PEERS, PM2};
use super::versions::Tree;
use super::ways::rsync;
use crate::docker::output;
use crate::http;

const PORT: u16 = 3000;
const UP_WITHIN: std::time::Duration = std::time::Duration::from_secs(60);

/// The app under PM2.
pub struct Pm2<'a> {
    contest: &'a Contest<'a>,
}

impl<'a> Pm2<'a> {
    /// Brings a version and starts it: in fork mode, or so many instances in cluster mode.
    ///
    /// # Errors
    /// When it does not come up.
    pub fn started(contest: &'a Contest<'a>, tree: Tree, instances: u32) -> Result<Self> {
        let pm2 = Self { contest };
        pm2.rsync(tree)?;
        let cluster = match instances {
            0 => String::new(),
            instances => format!("-i {instances}"),
        };
        pm2.ssh(&format!(
            "cd {dir} && PORT={PORT} HOSTNAME=0.0.0.0 NODE_ENV=production NEXT_TELEMETRY_DISABLED=1 \
             {PM2} start server.js --name web {cluster}",
            dir = Self::dir()
        ))?;
        http::wait_for_200(pm2.address(), "/api/health", UP_WITHIN)?;
        Ok(pm2)
    }

    /// Where it answers.
    pub fn address(&self) -> SocketAddr {
        self.contest.site.at(PORT)
    }

    /// Brings another version over the one that runs, and reloads it: two connections of ssh, as in
    /// the workflows that do this.
    ///
    /// # Errors
    /// When one of both fails.
    pub fn deploy(&self, tree: Tree) -> Result<()> {
        self.rsync(tree)?;
        self.ssh(&format!("{PM2} reload web"))
    }

    /// Ends PM2 and removes what was brought.
    ///
    /// # Errors
    /// When it cannot.
    pub fn remove(self) -> Result<()> {
        self.ssh(&format!(
            "{PM2} kill && mv {dir} {dir}-$(date +%s%N)",
            dir = Self::dir()
        ))
    }

    fn dir() -> String {
        format!("{PEERS}/live")
    }

    fn rsync(&self, tree: Tree) -> Result<()> {
        let tree = self.contest.versions.path(tree);
        rsync(self.contest.site, &tree, &Self::dir())
    }

    fn ssh(&self, script: &str) -> Result<()> {
        output(self.contest.site.ssh(script)).map(drop)
    }
}
