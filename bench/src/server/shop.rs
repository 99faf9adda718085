//! The storefront as a project on this machine, and as an app on the server.

use std::fs;

use anyhow::{Context, Result};

use super::Contest;
use super::versions::Tree;
use super::ways::{self, empty_server};
use crate::landfall::{self, Landfall};

/// The build command of the example, in place of which the build lies there already.
const BUILD: &str = r#""npm ci --no-audit --no-fund && npm run build""#;

/// The storefront, deployed by Landfall.
pub struct Shop<'a> {
    /// Its commands.
    pub landfall: Landfall,
    contest: &'a Contest<'a>,
}

impl<'a> Shop<'a> {
    /// Deploys a version to a server that has nothing.
    ///
    /// # Errors
    /// When it fails.
    pub fn deployed(contest: &'a Contest<'a>, tree: Tree) -> Result<Self> {
        let &Contest {
            options,
            place,
            site,
            ..
        } = contest;
        let landfall = ways::landfall(options, place, site, "shop")?;
        let shop = Self { landfall, contest };
        empty_server(site)?;
        shop.change(tree)?;
        shop.landfall.run(&["deploy", "--yes"])?;
        Ok(shop)
    }

    /// Makes the project another version, its build in place.
    ///
    /// # Errors
    /// When it cannot.
    pub fn change(&self, tree: Tree) -> Result<()> {
        let project = self.landfall.project();
        self.contest.versions.copy_project(tree, project)?;
        let file = project.join("landfall.toml");
        let config = fs::read_to_string(&file).context("failed to read landfall.toml")?;
        let config = config.replace(BUILD, "\"true\"");
        let host = self.contest.site.host();
        let config = format!("{config}\n[environment.production]\nserver = \"{host}\"\n");
        self.landfall.write("landfall.toml", &config)
    }

    /// Deploys what the project is; the steps and their seconds.
    ///
    /// # Errors
    /// When it fails.
    pub fn deploy(&self) -> Result<Vec<(String, f64)>> {
        let lines = self.landfall.lines(&["deploy", "--yes"])?;
        Ok(landfall::steps_in(&lines))
    }

    /// Takes it off the server, and forgets here what was built.
    ///
    /// # Errors
    /// When it fails.
    pub fn remove(self) -> Result<()> {
        self.landfall.run(&["remove", "--yes"])?;
        self.landfall.forget()
    }
}
