//! The ways in which a tree comes to the server: Landfall, rsync, and a compressed archive.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use super::site::{PEERS, Site, ended};
use super::versions::copy_as;
use crate::docker::output;
use crate::landfall::Landfall;
use crate::options::Options;
use crate::process::Workplace;
use crate::wire::Passed;

/// How Landfall comes to an app of one service with nothing but files, so that what is measured is
/// the tree's way and no start of an app.
const CONFIG: &str = r#"
app = "site"

[service.web.static]

[service.web.build]
shell  = "true"
inputs = ["build"]
output = "dist"

[[route]]
to = "web"

[environment.production]
server = "HOST"
"#;

/// What it took to bring a tree.
#[derive(Debug, Clone, Copy)]
pub struct Trip {
    /// On the connections of ssh, the setting up of these included.
    pub passed: Passed,
    /// From the command until the whole tree lies on the server.
    pub time: Duration,
    /// Of that, what only moved the content, where the way tells it.
    pub transfer: Option<Duration>,
}

/// A way.
pub trait Way {
    /// For people.
    fn name(&self) -> &'static str;
    /// Takes away all that was ever brought.
    ///
    /// # Errors
    /// When it cannot.
    fn forget(&mut self) -> Result<()>;
    /// Brings a tree, after what was brought before.
    ///
    /// # Errors
    /// When it fails.
    fn bring(&mut self, tree: &Path) -> Result<Trip>;
    /// Where the tree that was brought last lies on the server.
    ///
    /// # Errors
    /// When it is not known.
    fn destination(&self) -> Result<String>;
}

/// `landfall deploy`.
pub struct Deploy<'a> {
    site: &'a Site<'a>,
    landfall: Landfall,
    /// Tells builds apart.
    builds: usize,
}

/// `rsync -az --delete` onto what is there.
pub struct Rsync<'a>(pub &'a Site<'a>);

/// A compressed archive, unpacked as it comes, into a directory of its own.
pub struct Archive<'a> {
    site: &'a Site<'a>,
    number: usize,
}

/// Landfall's commands on this machine, for that server.
///
/// # Errors
/// When there is no place for it.
pub fn landfall(
    options: &Options,
    place: &Workplace,
    site: &Site<'_>,
    name: &str,
) -> Result<Landfall> {
    let landfall = Landfall::new(&options.landfall, place, name)?;
    Ok(landfall
        .with_env("LANDFALL_SSH", site.ssh_command())
        .with_env("LANDFALL_ENV", "production"))
}

/// Makes the server one that nothing was ever brought to. No app may run.
///
/// # Errors
/// When it cannot.
pub fn empty_server(site: &Site<'_>) -> Result<()> {
    let units = "landfall-agent landfall-proxy";
    // The proxy keeps the routes in force, and takes no older ones.
    let state = format!(
        "{} && rm -rf /var/lib/landfall-proxy/*",
        set_aside("/var/lib/landfall", "*")
    );
    let script = format!("systemctl stop {units} && {state} && systemctl start {units}");
    site.as_root(&script).map(drop)
}

/// A script that moves what is in a directory of the server out of the way. It is not removed: for
/// some time after that, ext4 searches long for inodes that were not deleted lately.
fn set_aside(dir: &str, names: &str) -> String {
    format!(
        "aside={dir}/.aside/$(date +%s%N) && mkdir -p $aside && \
         {{ [ -z \"$(ls {dir})\" ] || mv {dir}/{names} $aside; }}"
    )
}

impl<'a> Deploy<'a> {
    /// Of a server that is ready.
    ///
    /// # Errors
    /// When there is no place for the project.
    pub fn new(options: &Options, place: &Workplace, site: &'a Site<'a>) -> Result<Self> {
        let landfall = landfall(options, place, site, "site")?;
        landfall.write("landfall.toml", &CONFIG.replace("HOST", &site.host()))?;
        let builds = 0;
        Ok(Self {
            site,
            landfall,
            builds,
        })
    }
}

impl Way for Deploy<'_> {
    fn name(&self) -> &'static str {
        "landfall deploy"
    }

    fn forget(&mut self) -> Result<()> {
        empty_server(self.site)?;
        self.landfall.forget()
    }

    fn bring(&mut self, tree: &Path) -> Result<Trip> {
        copy_as(tree, &self.landfall.project().join("dist"))?;
        self.builds += 1;
        self.landfall.write("build", &self.builds.to_string())?;
        self.site.settle();
        let lines = self.landfall.lines(&["deploy", "--yes"])?;
        let passed = self.site.passed();
        let at = |step: &str| {
            let mark = format!("✓ {step}");
            let line = lines.iter().find(|(_, line)| line.contains(&mark));
            line.map(|(time, _)| *time)
                .with_context(|| format!("landfall deploy has no step {step}"))
        };
        Ok(Trip {
            passed,
            time: at("prepare")?,
            transfer: Some(at("transfer")?.saturating_sub(at("build")?)),
        })
    }

    fn destination(&self) -> Result<String> {
        self.site.as_root(
            "ls -d /var/lib/landfall/apps/site/production/releases/*/web | sort -V | tail -n 1",
        )
    }
}

impl Way for Rsync<'_> {
    fn name(&self) -> &'static str {
        "rsync -az --delete"
    }

    fn forget(&mut self) -> Result<()> {
        self.0.as_root(&set_aside(PEERS, "*")).map(drop)
    }

    fn bring(&mut self, tree: &Path) -> Result<Trip> {
        let to = format!("{PEERS}/rsync");
        measured(self.0, || rsync(self.0, tree, &to))
    }

    fn destination(&self) -> Result<String> {
        Ok(format!("{PEERS}/rsync"))
    }
}

/// `rsync -az --delete` of a tree into a directory of the server.
///
/// # Errors
/// When it fails.
pub fn rsync(site: &Site<'_>, tree: &Path, to: &str) -> Result<()> {
    let mut rsync = Command::new("rsync");
    rsync.args(["-az", "--delete", "-e", site.ssh_command()]);
    rsync.arg(format!("{}/", tree.display()));
    rsync.arg(format!("{}:{to}/", site.host()));
    output(rsync).map(drop)
}

impl<'a> Archive<'a> {
    /// Nothing is there yet.
    pub fn new(site: &'a Site<'a>) -> Self {
        Self { site, number: 0 }
    }

    fn send(&self, tree: &Path) -> Result<()> {
        let to = self.destination()?;
        let mut tar = Command::new("tar");
        // All cores compress, at zstd's own level.
        tar.args(["-I", "zstd -T0", "-cf", "-", "-C"])
            .arg(tree)
            .arg(".");
        let mut packing = tar.stdout(Stdio::piped()).spawn()?;
        let packed = packing.stdout.take().context("no output")?;
        let take = format!("mkdir -p {to} && zstd -dc | tar -C {to} -xf -");
        let taking = self.site.ssh(&take).stdin(packed).spawn()?;
        ended(packing, "tar")?;
        ended(taking, "ssh")
    }
}

impl Way for Archive<'_> {
    fn name(&self) -> &'static str {
        "tar | zstd | ssh"
    }

    fn forget(&mut self) -> Result<()> {
        self.site
            .as_root(&format!("rm -rf {PEERS}/archive"))
            .map(drop)
    }

    fn bring(&mut self, tree: &Path) -> Result<Trip> {
        self.number += 1;
        measured(self.site, || self.send(tree))
    }

    fn destination(&self) -> Result<String> {
        Ok(format!("{PEERS}/archive/{}", self.number))
    }
}

/// Proves that what a way brought last is this tree: paths, kinds, contents, and who may run what.
///
/// # Errors
/// When something differs.
pub fn prove(site: &Site<'_>, way: &dyn Way, tree: &Path) -> Result<()> {
    let list = |dir: &str| {
        format!(
            "cd {dir} && {{ find . -type f -exec sha256sum {{}} +; find . -type l -printf '%p -> %l\\n'; \
             find . -type f -perm -100; }} | LC_ALL=C sort | sha256sum"
        )
    };
    let mut here = Command::new("sh");
    here.arg("-c")
        .arg(list(&PathBuf::from(tree).to_string_lossy()));
    let there = site.as_root(&list(&way.destination()?))?;
    if output(here)? != there {
        bail!("what {} brought is not the tree", way.name());
    }
    Ok(())
}

fn measured(site: &Site<'_>, bring: impl FnOnce() -> Result<()>) -> Result<Trip> {
    site.settle();
    let began = Instant::now();
    bring()?;
    let time = began.elapsed();
    let (passed, transfer) = (site.passed(), None);
    Ok(Trip {
        passed,
        time,
        transfer,
    })
}
