//! The names and labels by which the engine keeps what is Landfall's apart from all else.
//!
//! Whatever is not labelled with this Landfall's home is never changed, and never looked like one
//! of its own.

use std::collections::{BTreeMap, HashMap};

use landfall_model::{AppName, EnvironmentName, InstanceId};

use crate::{InstanceSpec, Owner};

/// What every label of Landfall's begins with.
const PREFIX: &str = "dev.landfall.";
/// Which Landfall it is.
pub(super) const HOME: &str = "dev.landfall.home";
/// The instance's id.
pub(super) const INSTANCE: &str = "dev.landfall.instance";
/// What the instance should be, as JSON; without its environment.
const SPEC: &str = "dev.landfall.spec";
/// The names of the variables that the instance was given, with commas between.
pub(super) const ENV: &str = "dev.landfall.env";

/// The name of an instance's container.
pub(super) fn container_name(id: &InstanceId) -> String {
    format!("landfall-{id}")
}

/// All labels of an instance's container.
pub(super) fn of_container(
    home: &str,
    spec: &InstanceSpec,
    env_names: &str,
) -> Result<HashMap<String, String>, serde_json::Error> {
    let own = spec.run.container().map(|run| &run.labels);
    let mut labels: HashMap<String, String> = own
        .into_iter()
        .flatten()
        .filter(|(name, _)| !name.starts_with(PREFIX))
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect();
    labels.extend(of_owner(home, spec.owner.as_ref()));
    labels.insert(INSTANCE.to_owned(), spec.id.to_string());
    labels.insert(ENV.to_owned(), env_names.to_owned());
    labels.insert(SPEC.to_owned(), serde_json::to_string(spec)?);
    if let Some(owner) = &spec.owner {
        labels.insert(name("service"), owner.service.to_string());
        labels.insert(name("release"), owner.release.to_string());
        let others = [
            ("task", owner.task.as_ref().map(ToString::to_string)),
            ("deployment", owner.deployment.map(|id| id.to_string())),
        ];
        labels.extend(
            others
                .into_iter()
                .filter_map(|(key, value)| Some((name(key), value?))),
        );
    }
    Ok(labels)
}

/// The labels of what the instances of an environment share: networks and volumes.
pub(super) fn of_owner(home: &str, owner: Option<&Owner>) -> BTreeMap<String, String> {
    let mut labels = BTreeMap::from([(HOME.to_owned(), home.to_owned())]);
    if let Some(owner) = owner {
        labels.insert(name("app"), owner.app.to_string());
        labels.insert(name("environment"), owner.environment.to_string());
    }
    labels
}

/// What the engine is asked for to find what the instances of an environment share.
pub(super) fn of_environment(
    home: &str,
    app: &AppName,
    environment: &EnvironmentName,
) -> Vec<String> {
    let environment = environment.as_str();
    let labels = [
        (HOME.to_owned(), home),
        (name("app"), app.as_str()),
        (name("environment"), environment),
    ];
    labels
        .map(|(name, value)| format!("{name}={value}"))
        .to_vec()
}

/// Whether these are the labels of something of this Landfall.
pub(super) fn is_ours(labels: Option<&HashMap<String, String>>, home: &str) -> bool {
    labels.is_some_and(|labels| labels.get(HOME).is_some_and(|owner| owner == home))
}

/// What a container's labels say that the instance should be; `None` where they are not ours, or
/// are of a format that this build does not know.
pub(super) fn spec_of(labels: Option<&HashMap<String, String>>) -> Option<InstanceSpec> {
    let spec: InstanceSpec = serde_json::from_str(labels?.get(SPEC)?).ok()?;
    (spec.format == crate::INSTANCE_FORMAT).then_some(spec)
}

fn name(key: &str) -> String {
    format!("{PREFIX}{key}")
}
