//! From the services of Compose files to drafts of the model: what a container is made from, how
//! it lives, and what of it has to be refused.
//!
//! Names of networks and volumes that the files leave to Compose are the environment's own, so
//! that two environments on one host share nothing. What a file names itself is taken by that name.
//! Where a running Compose project is taken over, its volumes are, by the names that Compose gave
//! them; its networks are not, because on them its containers go on until they are stopped.

mod build;
mod files;
mod life;
mod mounts;
mod networks;
mod run;
mod value;

use std::collections::BTreeMap;
use std::path::Path;

use landfall_model::env::Template;
use landfall_model::spec::{ContainerSpec, ImageBuildSpec, ReadySpec};
use landfall_model::{AppName, EnvironmentName, ServiceName};

use crate::compose::{LoadRequest, LoadedProject, Place, Project, Service, load};
use crate::diagnostics::Diagnostic;
use crate::reader::Context;

/// The code of what no container of Landfall's can be.
pub(super) const UNSUPPORTED: &str = "unsupported-compose";

/// How something is reached that two services of a project depend on.
const COMPLETED: &str = "service_completed_successfully";
const HEALTHY: &str = "service_healthy";

/// A service of Compose files.
pub(crate) struct Composed {
    pub(crate) container: ContainerSpec,
    /// How its image is built, if by itself.
    pub(crate) build: Option<ImageBuildSpec>,
    /// The service whose image it runs: itself, or another that builds the same one.
    pub(crate) artifact: ServiceName,
    pub(crate) env: BTreeMap<String, Template>,
    /// The services that have to be ready before it.
    pub(crate) needs: Vec<ServiceName>,
    pub(crate) replicas: u32,
    /// Whether its files say when it is ready.
    pub(crate) ready_given: bool,
    /// Whether others wait for its end: it runs once, before them.
    pub(crate) is_task: bool,
}

/// Where a project belongs.
pub(super) struct Home<'a> {
    pub(super) app: &'a AppName,
    pub(super) environment: &'a EnvironmentName,
    /// The directory of `landfall.toml`.
    pub(super) root: &'a Path,
    /// The Compose project on this machine that is taken over.
    pub(super) adopts: Option<&'a str>,
}

/// What is asked for.
pub(crate) struct Request<'a> {
    pub(crate) app: &'a AppName,
    pub(crate) environment: &'a EnvironmentName,
    pub(crate) root: &'a Path,
    pub(crate) files: Vec<String>,
    pub(crate) profiles: Vec<String>,
    pub(crate) variables: &'a BTreeMap<String, String>,
    pub(crate) adopts: Option<&'a str>,
}

/// The services of Compose files, and what Compose calls the project. What is wrong with them is
/// reported.
pub(crate) fn read(
    request: Request<'_>,
    context: &Context,
) -> Option<(String, BTreeMap<ServiceName, Composed>)> {
    let loaded = load(&LoadRequest {
        directory: request.root.to_path_buf(),
        files: request.files.iter().map(Into::into).collect(),
        variables: request.variables.clone(),
        profiles: request.profiles,
    });
    let LoadedProject { project, warnings } = match loaded {
        Ok(loaded) => loaded,
        Err(errors) => {
            errors.0.into_iter().for_each(|error| context.report(error));
            return None;
        }
    };
    let matters = project.notes().into_iter().filter(|note| note.matters);
    let notes = matters.map(|note| {
        let message = format!("`{}` is not carried out: {}", note.key, note.why);
        note.at.warning("not-carried-out", message)
    });
    let warnings = warnings.0.into_iter().chain(notes);
    warnings.for_each(|warning| context.report(warning));
    let home = Home {
        app: request.app,
        environment: request.environment,
        root: request.root,
        adopts: request.adopts,
    };
    let mut found = Vec::new();
    let services = project.services();
    let mut services: BTreeMap<_, _> = services
        .filter_map(|service| composed(&service, &project, &home, &mut found))
        .collect();
    share_images(&mut services);
    let is_whole = found.is_empty();
    found.into_iter().for_each(|error| context.report(error));
    is_whole.then(|| (project.name().to_owned(), services))
}

fn composed(
    service: &Service<'_>,
    project: &Project,
    home: &Home<'_>,
    found: &mut Vec<Diagnostic>,
) -> Option<(ServiceName, Composed)> {
    let name = match service.name().parse::<ServiceName>() {
        Ok(name) => name,
        Err(error) => {
            found.push(
                service
                    .at()
                    .error(UNSUPPORTED, error.to_string())
                    .fix("rename it"),
            );
            return None;
        }
    };
    let files = files::of(service, project, home, found);
    let run = run::of(service, project, home, found);
    let ready = ready(service, project);
    let mut container = ContainerSpec {
        run,
        files,
        is_told_port: false,
        life: life::of(service),
    };
    container.life.overlap = life::may_overlap(service, &container);
    let ready_given = ready.is_some();
    if let Some(ready) = ready {
        container.life.ready = ready;
    }
    let is_task = dependents(project, service.name(), COMPLETED)
        .next()
        .is_some();
    let variables = service.environment();
    let composed = Composed {
        container,
        build: build::of(service, project, home, found),
        artifact: name.clone(),
        env: variables
            .filter_map(|(name, value)| Some((name.to_owned(), Template::literal(value?))))
            .collect(),
        needs: needs(service, project),
        replicas: match is_task {
            true => 0,
            false => u32::try_from(service.replicas()).unwrap_or(u32::MAX),
        },
        ready_given,
        is_task,
    };
    Some((name, composed))
}

/// Services that would build the same image, or run under its name what another one builds, share
/// the one build.
fn share_images(services: &mut BTreeMap<ServiceName, Composed>) {
    let builds: Vec<(ServiceName, ImageBuildSpec, String)> = services
        .iter()
        .filter_map(|(name, service)| {
            let image = service.container.run.image.clone();
            Some((name.clone(), service.build.clone()?, image))
        })
        .collect();
    for (name, service) in services {
        let same = |(_, build, image): &&(ServiceName, ImageBuildSpec, String)| match &service.build
        {
            Some(own) => own == build,
            None => *image == service.container.run.image,
        };
        let Some((first, ..)) = builds.iter().find(same) else {
            continue;
        };
        if first != name {
            service.build = None;
            service.artifact = first.clone();
        }
    }
}

/// A check that the files write out is asked by Landfall itself, which need not wait for the
/// engine's turn; one that only the image knows is the engine's to ask.
fn ready(service: &Service<'_>, project: &Project) -> Option<ReadySpec> {
    life::ready(service).or_else(|| {
        let asked = dependents(project, service.name(), HEALTHY)
            .next()
            .is_some();
        asked.then(life::ready_by_image)
    })
}

/// The services that wait for this one in a certain way.
fn dependents<'a>(
    project: &'a Project,
    name: &'a str,
    condition: &'static str,
) -> impl Iterator<Item = Service<'a>> {
    let waits = move |service: &Service<'_>| {
        service
            .depends_on()
            .any(|need| need.service == name && need.condition == condition)
    };
    project.services().filter(waits)
}

/// What it needs of what is enabled.
fn needs(service: &Service<'_>, project: &Project) -> Vec<ServiceName> {
    let enabled = |name: &str| project.services().any(|other| other.name() == name);
    service
        .depends_on()
        .filter(|need| enabled(need.service))
        .filter_map(|need| need.service.parse().ok())
        .collect()
}

/// An error about something that a container of Landfall's cannot be.
pub(super) fn unsupported(at: &Place, message: impl Into<String>, fix: &str) -> Diagnostic {
    at.error(UNSUPPORTED, message).fix(fix)
}
