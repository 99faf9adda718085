//! Work trees of commits, made to be deployed: of a repository somewhere, or of what is pushed here.

use std::fs::{self, File};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Component, Path, PathBuf};
use std::str::FromStr;
use std::time::{Duration, SystemTime};

use landfall_model::Digest;
use rustix::fs::{FlockOperation, flock};
use tempfile::TempDir;

use crate::command_error::{CommandError, CommandResult, ErrorKind};
use crate::context::Context;
use crate::deployment::LocalStep;
use crate::git::{Git, check_out, source_info};
use crate::render::short_commit;
use crate::state_dir::own_state;

/// Work trees of a repository that are kept: an agent of this machine may build in the last one.
const KEPT: usize = 3;
/// How old the work tree of a push is that nobody deploys any more: longer than builds may take.
const BROKEN_OFF: Duration = Duration::from_secs(3 * 24 * 60 * 60);
/// Digits of a digest that name a repository.
const DIGITS: usize = 16;

/// A repository, and what of it is meant: `URL`, `URL#REF` or `URL#REF:DIRECTORY`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GitAddress {
    url: String,
    reference: Option<String>,
    dir: PathBuf,
}

impl FromStr for GitAddress {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (url, rest) = text.split_once('#').unwrap_or((text, ""));
        let (reference, dir) = rest.split_once(':').unwrap_or((rest, ""));
        if url.is_empty() || url.starts_with('-') {
            return Err("write the address of a repository, as for `git clone`".to_owned());
        }
        let is_name = |c: char| !c.is_whitespace() && !c.is_control() && !"~^:?*[\\".contains(c);
        if reference.starts_with('-') || !reference.chars().all(is_name) {
            return Err(format!("{reference:?} is no branch, tag or commit"));
        }
        let dir = PathBuf::from(dir);
        let is_below = |part| matches!(part, Component::Normal(_) | Component::CurDir);
        if !dir.components().all(is_below) {
            return Err("the directory after the colon must be in the repository".to_owned());
        }
        Ok(Self {
            url: url.to_owned(),
            reference: (!reference.is_empty()).then(|| reference.to_owned()),
            dir,
        })
    }
}

/// A work tree to deploy.
pub struct Checkout {
    root: PathBuf,
    /// Directory of `landfall.toml` in it.
    dir: PathBuf,
    /// The branch that the commit was taken from, where it was one.
    pub branch: Option<String>,
    /// Whether it was pushed to this machine, whose agent it is for.
    pub is_pushed: bool,
    _temporary: Option<TempDir>,
}

impl Checkout {
    /// Fetches from a repository. What came before is not fetched again.
    ///
    /// # Errors
    /// When the repository cannot be reached, or has no such commit or directory.
    pub async fn of(context: &Context, address: &GitAddress) -> CommandResult<Self> {
        let mut step = LocalStep::begin(context, "fetch");
        step.message("asking the repository");
        let (address, state) = (address.clone(), own_state()?);
        let can_ask = context.printer.can_ask();
        let fetched = tokio::task::spawn_blocking(move || fetch(&address, &state, can_ask)).await;
        let fetched =
            fetched.map_err(|error| CommandError::from_error(ErrorKind::Unexpected, &error))?;
        match fetched {
            Ok((checkout, told)) => {
                step.done(&told);
                Ok(checkout)
            }
            Err(error) => {
                step.failed(error.message());
                Err(error.during("nothing was deployed"))
            }
        }
    }

    /// Checks out what is being pushed to the repository that this process is a hook of.
    ///
    /// # Errors
    /// When git fails, or the disk is full.
    pub fn pushed(commit: &str, branch: &str, dir: &Path) -> CommandResult<Self> {
        let git = Git::of_hook();
        let objects = git.run(&["rev-parse", "--git-path", "objects"])?;
        let mut objects = vec![fs::canonicalize(objects)?];
        // What is pushed is apart from what was there, until it is taken.
        if let Some(before) = std::env::var_os("GIT_ALTERNATE_OBJECT_DIRECTORIES") {
            for dir in std::env::split_paths(&before) {
                objects.push(fs::canonicalize(dir)?);
            }
        }
        let place = own_state()?.join("pushes");
        private(&place)?;
        forget_broken_off(&place);
        let temporary = TempDir::new_in(place)?;
        check_out(&objects, commit, temporary.path())?;
        Ok(Self {
            root: temporary.path().to_owned(),
            dir: dir.to_owned(),
            branch: Some(branch.to_owned()),
            is_pushed: true,
            _temporary: Some(temporary),
        })
    }

    /// Its `landfall.toml`.
    pub fn file(&self) -> PathBuf {
        self.root.join(&self.dir).join(landfall_config::FILE_NAME)
    }
}

/// Fetches and checks out; also what was found, for a person.
fn fetch(address: &GitAddress, state: &Path, can_ask: bool) -> CommandResult<(Checkout, String)> {
    let digest = Digest::of(address.url.as_bytes()).hex();
    let place = state.join("checkouts").join(&digest[..DIGITS]);
    private(&place)?;
    // One at a time; the kernel lets go of it with this process.
    let lock = File::create(place.join("lock"))?;
    flock(&lock, FlockOperation::LockExclusive).map_err(std::io::Error::from)?;
    let repository = place.join("repository.git");
    private(&repository)?;
    let git = Git::in_dir(&repository).asking(can_ask);
    git.run(&["init", "--quiet", "--bare"])?;
    let (commit, branch) = resolve(&git, address)?;
    let tree = place.join(&commit);
    if !tree.join(".git/landfall-done").exists() {
        let _ = fs::remove_dir_all(&tree);
        check_out(&[repository.join("objects")], &commit, &tree)?;
    }
    // Its time tells that it is the newest.
    fs::write(tree.join(".git/landfall-done"), "")?;
    forget_old(&place, &commit)?;
    let checkout = Checkout {
        root: tree,
        dir: address.dir.clone(),
        branch,
        is_pushed: false,
        _temporary: None,
    };
    if !checkout.file().is_file() {
        let message = match address.dir.as_os_str().is_empty() {
            true => "there is no landfall.toml in the repository".to_owned(),
            false => format!(
                "there is no landfall.toml in its directory {}",
                address.dir.display()
            ),
        };
        let error = CommandError::new(ErrorKind::Config, message);
        return Err(error.hint("name its directory after a colon: URL#REF:DIRECTORY"));
    }
    let subject = source_info(&checkout.root).subject.unwrap_or_default();
    let short = short_commit(&commit);
    let told = match &checkout.branch {
        Some(branch) => format!("{branch} is {short}: {subject}"),
        None => format!("{short}: {subject}"),
    };
    Ok((checkout, told))
}

/// Brings what the repository has; the commit that is meant, and its branch.
fn resolve(git: &Git, address: &GitAddress) -> CommandResult<(String, Option<String>)> {
    let (all, tags) = ("+refs/heads/*:refs/heads/*", "+refs/tags/*:refs/tags/*");
    let mut fetch = vec![
        "fetch",
        "--quiet",
        "--prune",
        "--no-tags",
        "--",
        &address.url,
        all,
        tags,
    ];
    let own = address
        .reference
        .as_deref()
        .filter(|name| name.starts_with("refs/"));
    let own = own.map(|name| format!("+{name}:{name}"));
    fetch.extend(own.as_deref());
    git.run(&fetch)?;
    let wanted = match &address.reference {
        Some(reference) => reference.clone(),
        None => default_branch(git, &address.url)?,
    };
    let places = [
        (format!("refs/heads/{wanted}^{{commit}}"), Some(&wanted)),
        (format!("refs/tags/{wanted}^{{commit}}"), None),
        (format!("{wanted}^{{commit}}"), None),
    ];
    let found = places.iter().find_map(|(place, branch)| {
        let commit = git.run(&[
            "rev-parse",
            "--verify",
            "--quiet",
            "--end-of-options",
            place,
        ]);
        Some((commit.ok()?, branch.cloned()))
    });
    found.ok_or_else(|| {
        let message = format!("the repository has no branch, tag or commit {wanted:?}");
        CommandError::new(ErrorKind::Stopped, message)
    })
}

fn default_branch(git: &Git, url: &str) -> CommandResult<String> {
    let told = git.run(&["ls-remote", "--symref", "--", url, "HEAD"])?;
    let named = told.lines().find_map(|line| {
        let name = line.strip_prefix("ref: refs/heads/")?;
        Some(name.split_whitespace().next()?.to_owned())
    });
    named.ok_or_else(|| {
        CommandError::new(ErrorKind::Stopped, "the repository says no default branch")
            .hint("name one: URL#BRANCH")
    })
}

/// Removes work trees of pushes that were killed. Those that go on are younger. What cannot be
/// removed, or goes meanwhile, is left to the next push.
fn forget_broken_off(place: &Path) {
    for entry in fs::read_dir(place).into_iter().flatten().flatten() {
        let modified = entry.metadata().and_then(|metadata| metadata.modified());
        let age = modified.map(|modified| modified.elapsed().unwrap_or_default());
        if age.is_ok_and(|age| age > BROKEN_OFF) {
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}

/// Removes the oldest work trees.
fn forget_old(place: &Path, current: &str) -> CommandResult<()> {
    let mut trees: Vec<(SystemTime, PathBuf)> = Vec::new();
    for entry in fs::read_dir(place)? {
        let path = entry?.path();
        let done = fs::metadata(path.join(".git/landfall-done"));
        if let Ok(modified) = done.and_then(|done| done.modified())
            && !path.ends_with(current)
        {
            trees.push((modified, path));
        }
    }
    trees.sort();
    let old = trees.len().saturating_sub(KEPT - 1);
    for (_, path) in &trees[..old] {
        fs::remove_dir_all(path)?;
    }
    Ok(())
}

/// Makes a directory that nobody else reads.
fn private(dir: &Path) -> CommandResult<()> {
    let mut private = fs::DirBuilder::new();
    private.recursive(true).mode(0o700).create(dir)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_a_repository_a_reference_and_a_directory() {
        let parsed: GitAddress = "git@host:shop.git#main:apps/web".parse().unwrap();
        assert_eq!(parsed.url, "git@host:shop.git");
        assert_eq!(parsed.reference.as_deref(), Some("main"));
        assert_eq!(parsed.dir, Path::new("apps/web"));
        let plain: GitAddress = "https://host/shop".parse().unwrap();
        assert_eq!((plain.reference, plain.dir), (None, PathBuf::new()));
    }

    #[test]
    fn what_a_push_that_was_killed_left_is_removed_after_days_and_no_sooner() {
        let place = tempfile::tempdir().unwrap();
        let age = |name: &str, days: u32| {
            let dir = place.path().join(name);
            fs::create_dir(&dir).unwrap();
            let then = SystemTime::now() - Duration::from_secs(24 * 60 * 60) * days;
            File::open(dir).unwrap().set_modified(then).unwrap();
        };
        age("old", 4);
        age("young", 1);
        forget_broken_off(place.path());
        assert!(!place.path().join("old").exists());
        assert!(place.path().join("young").exists());
    }

    #[test]
    fn what_git_would_take_for_an_option_or_another_place_is_refused() {
        for text in [
            "",
            "#main",
            "--upload-pack=x",
            "u#--force",
            "u#a b",
            "u#main^",
            "u#m:../x",
            "u#m:/x",
        ] {
            assert!(text.parse::<GitAddress>().is_err(), "{text}");
        }
    }
}
