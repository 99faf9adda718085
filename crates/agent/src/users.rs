//! The users under which the processes of apps run on a host: one for each environment, and another
//! one for its builds, made when they are first needed, each in no group but its own.

use std::fs;
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt, chown, lchown};
use std::path::{Path, PathBuf};
use std::process::Command;

use landfall_model::{Cause, CauseKind, Digest};
use landfall_runtime::ProcessUser;
use landfall_runtime::confine::kill_all_of;
use landfall_store::EnvironmentKey;

use crate::paths::StatePaths;
use crate::steps::prepare::io_cause;

/// Where the system lists its users, and its groups.
const PASSWD: &str = "/etc/passwd";
const GROUP: &str = "/etc/group";
/// The group of the proxy of a host.
const PROXY_GROUP: &str = "landfall-proxy";
/// Characters of the environment in a user's name, and digits of its digest: 32 with the rest,
/// which is the longest name that `useradd` takes.
const READABLE: usize = 20;
const DIGITS: usize = 8;
/// Begins the name of a user who runs an app, and of one who builds it.
const RUNS: &str = "lf-";
const BUILDS: &str = "lb-";

/// A user of an environment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AppUser {
    /// Its name.
    pub name: String,
    /// Its numbers.
    pub ids: ProcessUser,
    /// Its home directory, which outlives releases.
    pub home: PathBuf,
}

impl AppUser {
    /// The variables that tell a process who it is.
    pub fn variables(&self) -> [(&'static str, String); 3] {
        [
            ("HOME", self.home.to_string_lossy().into_owned()),
            ("USER", self.name.clone()),
            ("LOGNAME", self.name.clone()),
        ]
    }
}

/// Finds and makes users.
pub trait Users: Send + Sync {
    /// The user of an environment, which is made when there is none.
    ///
    /// # Errors
    /// When it cannot be made.
    fn of(&self, key: &EnvironmentKey) -> Result<AppUser, Cause>;

    /// The user who makes the builds of an environment, who is made when there is none. It has
    /// nothing of the app's: a build cannot read its secrets, nor what it keeps.
    ///
    /// # Errors
    /// When it cannot be made.
    fn builder(&self, key: &EnvironmentKey) -> Result<AppUser, Cause>;

    /// Kills all that users who build run.
    ///
    /// # Errors
    /// When the users cannot be listed, or their processes not be ended.
    fn end_builds(&self) -> io::Result<()>;
}

/// Users of this host. Only root can make them.
#[derive(Debug)]
pub struct HostUsers {
    paths: StatePaths,
}

impl HostUsers {
    /// Users whose homes are below these paths.
    pub fn new(paths: StatePaths) -> Self {
        Self { paths }
    }

    fn user(&self, kind: &str, key: &EnvironmentKey, home: PathBuf) -> Result<AppUser, Cause> {
        let name = name_of(kind, key);
        let mut ids = find(&name).map_err(|error| io_cause("read", Path::new(PASSWD), &error))?;
        if ids.is_none() {
            self.make(&name, &home, key)?;
            ids = find(&name).map_err(|error| io_cause("read", Path::new(PASSWD), &error))?;
        }
        let ids = ids.ok_or_else(|| cannot(&name, "it was made and is not in /etc/passwd"))?;
        make_home(&home, ids).map_err(|error| io_cause("make", &home, &error))?;
        Ok(AppUser { name, ids, home })
    }

    fn make(&self, name: &str, home: &Path, key: &EnvironmentKey) -> Result<(), Cause> {
        tracing::info!(name, %key, "making a user");
        let made = Command::new("useradd")
            .args(["--system", "--user-group", "--no-create-home"])
            .args(["--shell", "/usr/sbin/nologin", "--comment"])
            .arg(format!("Landfall app {key}"))
            .arg("--home-dir")
            .arg(home)
            .arg(name)
            .output();
        let made = made.map_err(|error| cannot(name, &error.to_string()))?;
        match made.status.success() {
            true => Ok(()),
            false => Err(cannot(name, String::from_utf8_lossy(&made.stderr).trim())),
        }
    }
}

impl Users for HostUsers {
    fn of(&self, key: &EnvironmentKey) -> Result<AppUser, Cause> {
        self.user(RUNS, key, self.paths.home(&key.app, &key.environment))
    }

    fn builder(&self, key: &EnvironmentKey) -> Result<AppUser, Cause> {
        let home = self.paths.build_home(&key.app, &key.environment);
        self.user(BUILDS, key, home)
    }

    fn end_builds(&self) -> io::Result<()> {
        let passwd = fs::read_to_string(PASSWD)?;
        let builders = passwd.lines().filter(|line| line.starts_with(BUILDS));
        builders
            .filter_map(|line| find_in(line, line.split(':').next()?))
            .try_for_each(kill_all_of)
    }
}

fn cannot(name: &str, why: &str) -> Cause {
    Cause::new(
        CauseKind::Internal,
        format!("failed to make the user {name}: {why}"),
    )
    .with_fix("see whether `useradd` works on the server, and deploy again")
}

/// `lf-shop-production-6f1c04be`: readable as far as it goes, and no environment has another's.
fn name_of(kind: &str, key: &EnvironmentKey) -> String {
    let readable = format!("{}-{}", key.app, key.environment);
    let digest = Digest::of_json(&(&key.app, &key.environment)).hex();
    format!("{kind}{readable:.READABLE$}-{}", &digest[..DIGITS])
}

fn find(name: &str) -> io::Result<Option<ProcessUser>> {
    Ok(find_in(&fs::read_to_string(PASSWD)?, name))
}

fn find_in(passwd: &str, name: &str) -> Option<ProcessUser> {
    passwd.lines().find_map(|line| {
        let mut fields = line.split(':');
        (fields.next()? == name).then_some(())?;
        let uid = fields.nth(1)?.parse().ok()?;
        let gid = fields.next()?.parse().ok()?;
        Some(ProcessUser { uid, gid })
    })
}

fn group_in(groups: &str, name: &str) -> Option<u32> {
    groups.lines().find_map(|line| {
        let mut fields = line.split(':');
        (fields.next()? == name).then_some(())?;
        fields.nth(1)?.parse().ok()
    })
}

fn make_home(home: &Path, ids: ProcessUser) -> io::Result<()> {
    if let Some(environment) = home.parent() {
        fs::create_dir_all(environment)?;
        // An app comes through to its own, and lists nobody's.
        for dir in environment.ancestors().take(3) {
            fs::set_permissions(dir, fs::Permissions::from_mode(0o711))?;
        }
    }
    match fs::DirBuilder::new().mode(0o700).create(home) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
        _ => {}
    }
    chown(home, Some(ids.uid), Some(ids.gid))
}

/// Lets the proxy, and nobody else but root, read what is below a directory of root's.
///
/// # Errors
/// When its mode or group cannot be set.
pub fn let_proxy_read(dir: &Path) -> io::Result<()> {
    match group_in(&fs::read_to_string(GROUP)?, PROXY_GROUP) {
        Some(gid) => let_group_read(dir, gid),
        None => Err(io::Error::other(format!("there is no group {PROXY_GROUP}"))),
    }
}

/// Lets the user, and nobody else but root, read what is below a directory of root's.
///
/// # Errors
/// When its mode or group cannot be set.
pub fn let_read(dir: &Path, user: &AppUser) -> io::Result<()> {
    let_group_read(dir, user.ids.gid)
}

fn let_group_read(dir: &Path, gid: u32) -> io::Result<()> {
    chown(dir, None, Some(gid))?;
    fs::set_permissions(dir, fs::Permissions::from_mode(0o750))
}

/// Gives a directory with all that is in it to the user, unless it is that user's.
///
/// # Errors
/// When the owner of something in it cannot be changed.
pub fn give(dir: &Path, user: &AppUser) -> io::Result<()> {
    if fs::symlink_metadata(dir)?.uid() == user.ids.uid {
        return Ok(());
    }
    for entry in fs::read_dir(dir)? {
        let entry = entry?;
        match entry.file_type()?.is_dir() {
            true => give(&entry.path(), user)?,
            false => lchown(entry.path(), Some(user.ids.uid), Some(user.ids.gid))?,
        }
    }
    // Last, because it tells that all of it is given.
    lchown(dir, Some(user.ids.uid), Some(user.ids.gid))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(app: &str, environment: &str) -> EnvironmentKey {
        EnvironmentKey {
            app: app.parse().unwrap(),
            environment: environment.parse().unwrap(),
        }
    }

    #[test]
    fn d6_no_two_environments_share_a_user() {
        let name = name_of(RUNS, &key("shop", "production"));
        assert!(name.starts_with("lf-shop-production-"), "{name}");
        assert_ne!(
            name_of(RUNS, &key("a", "b-c")),
            name_of(RUNS, &key("a-b", "c"))
        );
        let long = name_of(RUNS, &key("a-shop-with-a-long-name", "production"));
        assert_eq!(long.len(), 32);
        assert_ne!(
            long,
            name_of(RUNS, &key("a-shop-with-a-long-name", "staging"))
        );
    }

    #[test]
    fn a_user_is_found_by_its_whole_name() {
        let passwd =
            "root:x:0:0::/root:/bin/sh\nlf-a-b2:x:7:8::/:/x\nbroken\nlf-a-b:x:998:997::/:/x\n";
        let found = find_in(passwd, "lf-a-b");
        assert_eq!(found, Some(ProcessUser { uid: 998, gid: 997 }));
        assert_eq!(find_in(passwd, "lf-a"), None);
    }
}
