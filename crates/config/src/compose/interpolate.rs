//! Variables in the values of a document, and the types that texts are turned into at some keys.

use std::borrow::Cow;
use std::collections::BTreeMap;

use super::tree::{MOST_FOUND, Node, Path, Value};
use crate::diagnostics::Diagnostic;
use crate::template;

/// The code of what is wrong with references.
pub(super) const CODE: &str = "compose-variable";

/// Names and values.
pub(super) type Variables = BTreeMap<String, String>;

/// What a text at a key has to be.
#[derive(Clone, Copy)]
enum Cast {
    Bool,
    Int,
    Float,
}

const CASTS: &[(&str, Cast)] = &[
    ("services.*.cpu_count", Cast::Int),
    ("services.*.cpu_percent", Cast::Float),
    ("services.*.cpu_period", Cast::Int),
    ("services.*.cpu_quota", Cast::Int),
    ("services.*.cpu_rt_period", Cast::Int),
    ("services.*.cpu_rt_runtime", Cast::Int),
    ("services.*.cpu_shares", Cast::Int),
    ("services.*.cpus", Cast::Float),
    ("services.*.init", Cast::Bool),
    ("services.*.deploy.replicas", Cast::Int),
    ("services.*.deploy.update_config.parallelism", Cast::Int),
    (
        "services.*.deploy.update_config.max_failure_ratio",
        Cast::Float,
    ),
    ("services.*.deploy.rollback_config.parallelism", Cast::Int),
    (
        "services.*.deploy.rollback_config.max_failure_ratio",
        Cast::Float,
    ),
    ("services.*.deploy.restart_policy.max_attempts", Cast::Int),
    (
        "services.*.deploy.placement.max_replicas_per_node",
        Cast::Int,
    ),
    ("services.*.healthcheck.retries", Cast::Int),
    ("services.*.healthcheck.disable", Cast::Bool),
    ("services.*.oom_kill_disable", Cast::Bool),
    ("services.*.oom_score_adj", Cast::Int),
    ("services.*.pids_limit", Cast::Int),
    ("services.*.ports.[].target", Cast::Int),
    ("services.*.privileged", Cast::Bool),
    ("services.*.read_only", Cast::Bool),
    ("services.*.scale", Cast::Int),
    ("services.*.stdin_open", Cast::Bool),
    ("services.*.tty", Cast::Bool),
    ("services.*.ulimits.*", Cast::Int),
    ("services.*.ulimits.*.hard", Cast::Int),
    ("services.*.ulimits.*.soft", Cast::Int),
    ("services.*.volumes.[].read_only", Cast::Bool),
    ("services.*.volumes.[].volume.nocopy", Cast::Bool),
    ("networks.*.external", Cast::Bool),
    ("networks.*.internal", Cast::Bool),
    ("networks.*.attachable", Cast::Bool),
    ("networks.*.enable_ipv4", Cast::Bool),
    ("networks.*.enable_ipv6", Cast::Bool),
    ("volumes.*.external", Cast::Bool),
    ("secrets.*.external", Cast::Bool),
    ("configs.*.external", Cast::Bool),
];

/// Interpolates every text of a document; finds all that is wrong at once.
pub(super) struct Interpolator<'a> {
    pub(super) variables: &'a Variables,
    pub(super) errors: Vec<Diagnostic>,
    pub(super) warnings: Vec<Diagnostic>,
}

impl Interpolator<'_> {
    pub(super) fn walk(&mut self, node: &mut Node, path: &Path<'_>) {
        if self.errors.len() >= MOST_FOUND {
            return;
        }
        match &mut node.value {
            Value::List(list) => {
                for item in list {
                    self.walk(item, &path.item());
                }
            }
            Value::Map(map) => {
                for (key, field) in map {
                    self.walk(field, &path.field(key));
                }
            }
            Value::Text(_) => self.text(node, path),
            _ => {}
        }
    }

    fn text(&mut self, node: &mut Node, path: &Path<'_>) {
        let Some(text) = node.text().map(str::to_owned) else {
            return;
        };
        match self.expanded(&text, node) {
            Ok(expanded) => {
                let cast = CASTS.iter().find(|(pattern, _)| path.is(pattern));
                match cast.map(|(_, cast)| cast.apply(&expanded)) {
                    None => node.value = Value::Text(expanded),
                    Some(Ok(value)) => node.value = value,
                    Some(Err(wanted)) => {
                        let name = path.names().pop().unwrap_or_default().to_owned();
                        let message = format!("`{name}` is {wanted}, and this is none");
                        self.errors.push(node.at.error(CODE, message));
                    }
                }
            }
            Err(error) => self.errors.push(error),
        }
    }

    /// A text with its references replaced.
    pub(super) fn expanded(&mut self, text: &str, node: &Node) -> Result<String, Diagnostic> {
        let known = |name: &str| self.variables.get(name).map(|v| Cow::Borrowed(v.as_str()));
        let mut unset = Vec::new();
        let expanded = template::expand(text, &known, &mut |name| unset.push(name.to_owned()));
        let room = MOST_FOUND.saturating_sub(self.warnings.len());
        for name in unset.into_iter().take(room) {
            let message = format!("`{name}` has no value; an empty text takes its place");
            let fix = format!(
                "set it in `.env` or where you deploy from, or write `${{{name}:-default}}`"
            );
            self.warnings.push(node.at.warning(CODE, message).fix(fix));
        }
        expanded.map_err(|error| {
            let fix = match &error {
                template::TemplateError::Required(name, _) => {
                    format!("set `{name}` in `.env` or where you deploy from")
                }
                template::TemplateError::TooDeep => error.fix().to_owned(),
                _ => "write `$$` for a `$`".to_owned(),
            };
            node.at.error(CODE, error.to_string()).fix(fix)
        })
    }
}

impl Cast {
    /// The value, or what it should have been.
    fn apply(self, text: &str) -> Result<Value, &'static str> {
        match self {
            Self::Int => match text.parse::<i64>() {
                Ok(int) => Ok(Value::Int(int.into())),
                Err(_) => Err("a whole number"),
            },
            Self::Float => match text.parse::<f64>() {
                Ok(float) => Ok(Value::Float(float)),
                Err(_) => Err("a number"),
            },
            Self::Bool => bool_of(text).map(Value::Bool).ok_or("`true` or `false`"),
        }
    }
}

/// The truth of a text, in all the words that YAML ever had for it.
pub(super) fn bool_of(text: &str) -> Option<bool> {
    match text.to_lowercase().as_str() {
        "true" | "y" | "yes" | "on" => Some(true),
        "false" | "n" | "no" | "off" => Some(false),
        _ => None,
    }
}
