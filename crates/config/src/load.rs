//! From a file to an app in one environment.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt;
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use landfall_model::spec::AppSpec;
use landfall_model::{EnvironmentName, ServerAddress};
use toml::de::DeTable;

use crate::diagnostics::{Diagnostic, Diagnostics, Source, nearest};
use crate::reader::{Context, Span, Table, overlay, parse};
use crate::sections::{self, BuildOn, EnvironmentDraft, Hosts, LOCAL, Scope};
use crate::{keys, validate};

/// The name of the file that describes an app.
pub const FILE_NAME: &str = "landfall.toml";

/// A file that is larger was not written by a person.
const MAX_BYTES: u64 = 1 << 20;

/// What to load.
#[derive(Debug, Clone)]
pub struct LoadRequest {
    /// The file; diagnostics show this path.
    pub file: PathBuf,
    /// The environment whose overrides hold.
    pub environment: EnvironmentName,
    /// Variables that env files may refer to and that stand in for names without a value in
    /// them: those of the person who deploys.
    pub variables: BTreeMap<String, String>,
    /// The Compose project that is taken over, whatever the file says: as if it said so.
    pub adopts: Option<String>,
}

impl LoadRequest {
    /// A request without variables.
    pub fn new(file: impl Into<PathBuf>, environment: EnvironmentName) -> Self {
        Self {
            file: file.into(),
            environment,
            variables: BTreeMap::new(),
            adopts: None,
        }
    }
}

/// An app in one environment, and what was learned on the way.
#[derive(Debug, Clone)]
pub struct LoadedApp {
    /// What the app should be.
    pub spec: AppSpec,
    /// The directory that all paths of the spec are relative to; absolute, without links.
    pub root: PathBuf,
    /// Every file that the spec was made from, `landfall.toml` first; absolute.
    pub files_read: Vec<PathBuf>,
    /// What works, but hardly as it was meant.
    pub warnings: Diagnostics,
    /// The server of the environment; `None` is this machine.
    pub server: Option<ServerAddress>,
    /// Where the environment's build commands run.
    pub build_on: BuildOn,
    /// Every environment there is, `local` included, by name.
    pub environments: Vec<EnvironmentName>,
    /// What Docker Compose calls the project of the app's Compose files, where it has any.
    pub compose_project: Option<String>,
}

/// The nearest `landfall.toml` in `start` or a directory above it.
pub fn find(start: &Path) -> Option<PathBuf> {
    start
        .ancestors()
        .map(|directory| directory.join(FILE_NAME))
        .find(|file| file.is_file())
}

/// Reads an app for one environment.
///
/// The other environments of the file are checked as well, but for the files that they name.
///
/// # Errors
/// Everything that is wrong with the file, at once, with the warnings.
pub fn load(request: &LoadRequest) -> Result<LoadedApp, Diagnostics> {
    let source = Arc::new(read_source(&request.file)?);
    let root = root_of(&request.file)?;
    let document = parse(&source).map_err(Diagnostics)?;
    let context = Context::new(Arc::clone(&source));
    let files_read = RefCell::new(vec![root.join(file_name(&request.file))]);
    let loader = Loader {
        request,
        context: &context,
        document: &document,
        root: &root,
        files_read: &files_read,
    };
    let loaded = loader.load();
    let found = context.into_found();
    match loaded {
        Some(parts) if found.iter().all(|d| d.severity == crate::Severity::Warning) => {
            Ok(LoadedApp {
                spec: parts.spec,
                server: parts.server,
                build_on: parts.build_on,
                environments: parts.environments,
                compose_project: parts.compose_project,
                files_read: files_read.into_inner(),
                root,
                warnings: Diagnostics(found),
            })
        }
        _ => Err(Diagnostics(found)),
    }
}

fn read_source(file: &Path) -> Result<Source, Diagnostics> {
    let shown = file.display().to_string();
    match read_text(file) {
        Ok(text) => Ok(Source::new(shown, text)),
        Err(error) => {
            let mut diagnostic = Diagnostic::error("unreadable-file", format!("{shown} {error}"));
            if error.is_missing() {
                diagnostic = diagnostic.fix("`landfall init` writes one from what is there");
            }
            Err(Diagnostics(vec![diagnostic]))
        }
    }
}

fn root_of(file: &Path) -> Result<PathBuf, Diagnostics> {
    let parent = file
        .parent()
        .filter(|parent| !parent.as_os_str().is_empty());
    parent
        .unwrap_or(Path::new("."))
        .canonicalize()
        .map_err(|error| {
            let file = file.display();
            let message = format!("the directory of {file} cannot be found: {error}");
            Diagnostics(vec![Diagnostic::error("unreadable-file", message)])
        })
}

fn file_name(file: &Path) -> &Path {
    file.file_name().map_or(Path::new(FILE_NAME), Path::new)
}

struct Loader<'a> {
    request: &'a LoadRequest,
    context: &'a Context,
    document: &'a DeTable<'a>,
    root: &'a Path,
    files_read: &'a RefCell<Vec<PathBuf>>,
}

struct Parts {
    spec: AppSpec,
    server: Option<ServerAddress>,
    build_on: BuildOn,
    environments: Vec<EnvironmentName>,
    compose_project: Option<String>,
}

impl Loader<'_> {
    fn load(&self) -> Option<Parts> {
        let whole = Span::from(0..0);
        let top = Table::new(self.context, self.document, &keys::ROOT, whole);
        let mut environments = sections::environments(&top, self.document);
        if let Ok(local) = LOCAL.parse() {
            environments
                .entry(local)
                .or_insert_with(EnvironmentDraft::local);
        }
        let names: Vec<EnvironmentName> = environments.keys().cloned().collect();
        let Some(chosen) = environments.get(&self.request.environment) else {
            self.report_unknown_environment(&names);
            return None;
        };
        let read = self.environment(&self.request.environment, chosen, true);
        for (name, environment) in &environments {
            if *name != self.request.environment {
                self.environment(name, environment, false);
            }
        }
        let (spec, compose_project) = read?;
        Some(Parts {
            spec,
            compose_project,
            server: chosen.server.clone(),
            build_on: chosen.build_on,
            environments: names,
        })
    }

    fn environment(
        &self,
        name: &EnvironmentName,
        environment: &EnvironmentDraft<'_>,
        read_files: bool,
    ) -> Option<(AppSpec, Option<String>)> {
        let mut document = self.document.clone();
        document.remove("environment");
        overlay(&mut document, &environment.overrides);
        let scope = Scope {
            context: self.context,
            root: self.root,
            variables: &self.request.variables,
            read_files,
            files_read: self.files_read,
            hosts: &environment.hosts,
            environment: name,
            adopts: self.request.adopts.as_deref(),
        };
        let table = Table::again(self.context, &document, &keys::ROOT, Span::from(0..0));
        let mut draft = sections::read_app(&table, &scope);
        let project = draft.compose_project.take();
        environment.hosts.check(self.context);
        match draft.is_partial {
            true => None,
            false => validate::app(draft, name, self.context).map(|spec| (spec, project)),
        }
    }

    fn report_unknown_environment(&self, names: &[EnvironmentName]) {
        let wanted = self.request.environment.as_str();
        let names = names.iter().map(EnvironmentName::as_str);
        let diagnostic = Diagnostic::error(
            "unknown-environment",
            format!(
                "{} has no environment `{wanted}`",
                self.context.source().path()
            ),
        );
        let fix = match nearest(wanted, names.clone()) {
            Some(meant) => format!("did you mean `{meant}`?"),
            None => format!(
                "add [environment.{wanted}]; there are: {}",
                names.collect::<Vec<_>>().join(", ")
            ),
        };
        self.context.report(diagnostic.fix(fix));
    }
}

impl EnvironmentDraft<'_> {
    fn local() -> Self {
        Self {
            server: None,
            build_on: BuildOn::Here,
            hosts: Hosts::unnamed(true),
            overrides: DeTable::new(),
        }
    }
}

/// Why the text of a file cannot be had. Completes "the file …".
#[derive(Debug)]
pub(crate) enum Unreadable {
    Missing,
    Io(std::io::Error),
    TooLarge,
    NotUtf8(usize),
}

impl Unreadable {
    pub(crate) fn is_missing(&self) -> bool {
        matches!(self, Self::Missing)
    }
}

impl fmt::Display for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing => f.write_str("does not exist"),
            Self::Io(error) => write!(f, "cannot be read: {error}"),
            Self::TooLarge => f.write_str("is larger than 1 MiB"),
            Self::NotUtf8(line) => write!(f, "is not UTF-8 text, in line {line}"),
        }
    }
}

/// The text of a file, without a byte order mark.
pub(crate) fn read_text(path: &Path) -> Result<String, Unreadable> {
    let io = |error: std::io::Error| match error.kind() {
        ErrorKind::NotFound => Unreadable::Missing,
        _ => Unreadable::Io(error),
    };
    // Whatever is no plain file, a pipe for example, could keep the reader waiting for ever.
    if !std::fs::metadata(path).map_err(io)?.is_file() {
        return Err(Unreadable::Io(std::io::Error::other("it is not a file")));
    }
    let mut bytes = Vec::new();
    let file = std::fs::File::open(path).map_err(io)?;
    file.take(MAX_BYTES + 1)
        .read_to_end(&mut bytes)
        .map_err(io)?;
    if bytes.len() as u64 > MAX_BYTES {
        return Err(Unreadable::TooLarge);
    }
    let text = String::from_utf8(bytes).map_err(|error| {
        let good = error.utf8_error().valid_up_to();
        let before = &error.as_bytes()[..good];
        Unreadable::NotUtf8(before.iter().filter(|&&byte| byte == b'\n').count() + 1)
    })?;
    Ok(match text.strip_prefix('\u{feff}') {
        Some(rest) => rest.to_owned(),
        None => text,
    })
}
