//! What only the whole project can tell: references to what is not there, values that
//! contradict each other.

use std::collections::HashMap;

use super::cycle;
use crate::compose::tree::{MOST_FOUND, Map, Node, Value, scalar_text};
use crate::diagnostics::{Diagnostic, nearest};

/// The code of references to nothing, and of contradictions.
const CODE: &str = "compose-reference";

/// Finds all contradictions. Where `scale` and `deploy.replicas` say the same, both are said.
pub(in crate::compose) fn inconsistencies(tree: &mut Node, disabled: &Map) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    let services = tree
        .get("services")
        .and_then(Node::map)
        .cloned()
        .unwrap_or_default();
    for (name, service) in &services {
        if found.len() >= MOST_FOUND {
            break;
        }
        let mut check = Check {
            name,
            service,
            tree,
            disabled,
            services: &services,
            found: &mut found,
        };
        check.source();
        check.build();
        check.networks();
        check.health();
        check.dependencies();
        check.references();
        check.limits();
        check.mounts();
        check.watch();
    }
    secrets(tree, &mut found);
    container_names(&services, &mut found);
    if found.is_empty()
        && let Some(cycle) = cycle::find(&services)
    {
        let first = services.get(cycle[0]);
        let at = first.and_then(|service| service.get("depends_on")?.get(cycle[1]));
        if let Some(at) = at {
            let message = format!("services wait for each other: {}", cycle.join(" → "));
            let diagnostic = at.named_at().error(CODE, message);
            found.push(diagnostic.fix("take one of these dependencies away"));
        }
    }
    share_scale(tree);
    found
}

struct Check<'a> {
    name: &'a str,
    service: &'a Node,
    tree: &'a Node,
    disabled: &'a Map,
    services: &'a Map,
    found: &'a mut Vec<Diagnostic>,
}

impl Check<'_> {
    fn wrong(&mut self, at: &Node, message: impl Into<String>, fix: &str) {
        let diagnostic = at.named_at().error(CODE, message);
        self.found.push(diagnostic.fix(fix));
    }

    fn source(&mut self) {
        let has = |key: &str| self.service.get(key).is_some();
        if !has("build") && !has("image") && !has("provider") {
            let message = format!(
                "the service `{}` has neither `image` nor `build`",
                self.name
            );
            // An overlay says more of a service that has one of them, under its name.
            let others = self.services.iter().filter(|(_, other)| {
                ["build", "image"]
                    .iter()
                    .any(|key| other.get(key).is_some())
            });
            let fix = match nearest(self.name, others.map(|(name, _)| name.as_str())) {
                Some(meant) => format!("did you mean `{meant}`? Else add one of them"),
                None => "add one of them".to_owned(),
            };
            self.wrong(self.service, message, &fix);
        }
    }

    fn build(&mut self) {
        let Some(build) = self.service.get("build") else {
            return;
        };
        if let (Some(_), Some(inline)) = (build.get("dockerfile"), build.get("dockerfile_inline")) {
            let message = "`dockerfile` and `dockerfile_inline` exclude each other";
            self.wrong(inline, message, "keep one of them");
        }
        for (name, context) in build
            .get("additional_contexts")
            .and_then(Node::map)
            .into_iter()
            .flatten()
        {
            let Some(target) = context
                .text()
                .and_then(|text| text.strip_prefix("service:"))
            else {
                continue;
            };
            let buildable = self
                .services
                .get(target)
                .map(|other| other.get("build").is_some());
            if buildable != Some(true) {
                let message = format!("the context `{name}` is a service that is not built here");
                self.wrong(context, message, "name a service with `build`");
            }
        }
        if let (Some(platforms), Some(platform)) =
            (build.get("platforms"), self.service.get("platform"))
        {
            let listed = platforms.list().unwrap_or_default();
            if !listed.iter().any(|other| other.same(platform)) {
                let message = "`build.platforms` does not hold the service's `platform`";
                self.wrong(platforms, message, "add it there");
            }
        }
    }

    fn networks(&mut self) {
        let networks = self.service.get("networks").and_then(Node::map);
        let mode = self.service.get("network_mode");
        if let (Some(mode), Some(_)) = (mode, networks) {
            let message = "`network_mode` and `networks` exclude each other";
            self.wrong(mode, message, "keep one of them");
        }
        for (name, node) in networks.into_iter().flatten() {
            self.reference("network", "networks", name, node);
        }
        let Some(target) = mode.and_then(|mode| mode.text()?.strip_prefix("service:")) else {
            return;
        };
        if let (Some(mode), false) = (mode, self.services.contains_key(target)) {
            let message = format!("there is no service `{target}` whose network could be used");
            self.wrong(mode, message, "name a service that is there");
        }
    }

    fn health(&mut self) {
        let test = self
            .service
            .get("healthcheck")
            .and_then(|check| check.get("test"));
        let first = test.and_then(Node::list).and_then(<[Node]>::first);
        if let Some(first) = first
            && !matches!(first.text(), Some("CMD" | "CMD-SHELL" | "NONE"))
        {
            let message = "a health check begins with `CMD`, `CMD-SHELL` or `NONE`";
            self.wrong(
                first,
                message,
                "write `[\"CMD\", …]`, or the command as one text",
            );
        }
    }

    fn dependencies(&mut self) {
        let dependencies = self.service.get("depends_on").and_then(Node::map);
        for (name, dependency) in dependencies.into_iter().flatten() {
            if self.services.contains_key(name) || self.found.len() >= MOST_FOUND {
                continue;
            }
            let required = dependency.get("required").map(|node| &node.value);
            let required = !matches!(required, Some(Value::Bool(false)));
            match self.disabled.get(name) {
                Some(_) if !required => {}
                Some(service) => {
                    let profiles = service
                        .get("profiles")
                        .and_then(Node::list)
                        .unwrap_or_default();
                    let profiles: Vec<&str> = profiles.iter().filter_map(Node::text).collect();
                    let message = format!("`{}` needs `{name}`, which is not enabled", self.name);
                    let fix = format!("enable the profile {}", profiles.join(" or "));
                    self.wrong(dependency, message, &fix);
                }
                None => {
                    let message = format!("there is no service `{name}` to depend on");
                    let near = nearest(name, self.services.keys().map(String::as_str));
                    let fix = match near {
                        Some(near) => format!("did you mean `{near}`?"),
                        None => "name a service that is there".to_owned(),
                    };
                    self.wrong(dependency, message, &fix);
                }
            }
        }
    }

    fn references(&mut self) {
        for volume in items(self.service, "volumes") {
            if volume.text_of("type") == Some("volume")
                && let Some(source) = volume.get("source")
            {
                self.reference(
                    "volume",
                    "volumes",
                    source.text().unwrap_or_default(),
                    source,
                );
            }
        }
        let models = self.service.get("models").and_then(Node::map);
        for (name, node) in models.into_iter().flatten() {
            self.reference("model", "models", name, node);
        }
        for (kind, key) in [("config", "configs"), ("secret", "secrets")] {
            for mount in items(self.service, key) {
                self.source_of(kind, key, mount);
            }
        }
        let build = self
            .service
            .get("build")
            .map(|build| items(build, "secrets"));
        for mount in build.unwrap_or_default() {
            self.source_of("secret", "secrets", mount);
        }
    }

    fn source_of(&mut self, kind: &str, key: &str, mount: &Node) {
        let at = mount.get("source").unwrap_or(mount);
        self.reference(kind, key, at.text().unwrap_or_default(), at);
    }

    fn reference(&mut self, kind: &str, key: &str, name: &str, at: &Node) {
        let known = self.tree.get(key).and_then(Node::map);
        let is_known = known.is_some_and(|known| known.contains_key(name));
        if is_known || self.found.len() >= MOST_FOUND {
            return;
        }
        let names = known.into_iter().flat_map(Map::keys).map(String::as_str);
        let fix = match nearest(name, names) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("add it: `{key}: {{ {name}: … }}` at the top level"),
        };
        self.wrong(at, format!("there is no {kind} `{name}`"), &fix);
    }

    fn limits(&mut self) {
        let deploy = self.service.get("deploy");
        let (scale, replicas) = (
            self.service.get("scale"),
            deploy.and_then(|d| d.get("replicas")),
        );
        if let (Some(a), Some(b)) = (scale, replicas)
            && !a.same(b)
        {
            self.wrong(
                a,
                "`scale` and `deploy.replicas` differ",
                "keep one of them",
            );
        }
        for node in [scale, replicas].into_iter().flatten() {
            if matches!(node.value, Value::Int(count) if count < 0) {
                self.wrong(node, "there cannot be fewer than 0", "write 0 or more");
            }
        }
        let count = scale.or(replicas).map(|node| &node.value);
        let several = matches!(count, Some(Value::Int(count)) if *count > 1);
        if let (true, Some(name)) = (several, self.service.get("container_name")) {
            let message = "several containers cannot have one `container_name`";
            self.wrong(name, message, "take it away, or run one container");
        }
        let resources = deploy.and_then(|deploy| deploy.get("resources"));
        for (key, side, other) in [
            ("cpus", "limits", "cpus"),
            ("mem_limit", "limits", "memory"),
            ("mem_reservation", "reservations", "memory"),
            ("pids_limit", "limits", "pids"),
        ] {
            let side_node = resources.and_then(|resources| resources.get(side));
            let (Some(own), Some(side_node)) = (self.service.get(key), side_node) else {
                continue;
            };
            if !side_node.get(other).is_some_and(|value| value.same(own)) {
                let message = format!("`{key}` and `deploy.resources.{side}.{other}` differ");
                self.wrong(own, message, "keep one of them");
            }
        }
    }

    fn mounts(&mut self) {
        let mut targets: HashMap<String, &Node> = HashMap::new();
        let tmpfs = items(self.service, "tmpfs").iter().map(|node| {
            let text = node.text().unwrap_or_default();
            (text.split(':').next().unwrap_or_default().to_owned(), node)
        });
        let volumes = items(self.service, "volumes")
            .iter()
            .map(|node| (node.text_of("target").unwrap_or_default().to_owned(), node));
        let mut twice = Vec::new();
        for (target, node) in tmpfs.chain(volumes) {
            if let Some(first) = targets.insert(target.clone(), node) {
                twice.push((target, node, first));
            }
        }
        for (target, node, first) in twice {
            let diagnostic = node
                .at
                .error(CODE, format!("two things are mounted at {target}"));
            let diagnostic =
                diagnostic.near(&first.at.file, first.at.span.clone(), "the first one");
            self.found
                .push(diagnostic.fix("mount one of them elsewhere"));
        }
    }

    fn watch(&mut self) {
        let watch = self
            .service
            .get("develop")
            .map(|develop| items(develop, "watch"));
        for entry in watch.unwrap_or_default() {
            let action = entry.text_of("action").unwrap_or_default();
            if entry.get("target").is_none() && !["rebuild", "restart"].contains(&action) {
                let message = format!("`{action}` needs a `target`");
                self.wrong(entry, message, "add `target: /path/in/the/container`");
            }
        }
    }
}

fn items<'a>(node: &'a Node, key: &str) -> &'a [Node] {
    node.get(key).and_then(Node::list).unwrap_or_default()
}

fn secrets(tree: &Node, found: &mut Vec<Diagnostic>) {
    for (name, secret) in tree
        .get("secrets")
        .and_then(Node::map)
        .into_iter()
        .flatten()
    {
        let has = |key: &str| secret.get(key).is_some();
        if !has("external") && !has("file") && !has("environment") {
            let message = format!("the secret `{name}` has neither `file` nor `environment`");
            found.push(
                secret
                    .named_at()
                    .error(CODE, message)
                    .fix("add one of them"),
            );
        }
    }
}

fn container_names(services: &Map, found: &mut Vec<Diagnostic>) {
    let mut names: HashMap<String, &Node> = HashMap::new();
    for service in services.values() {
        let Some(name) = service.get("container_name") else {
            continue;
        };
        let text = scalar_text(&name.value).unwrap_or_default();
        if let Some(first) = names.insert(text.clone(), name) {
            let message = format!("two services have the `container_name` {text:?}");
            let diagnostic = name.at.error(CODE, message);
            let diagnostic =
                diagnostic.near(&first.at.file, first.at.span.clone(), "the first one");
            found.push(diagnostic.fix("call one of them otherwise"));
        }
    }
}

/// What `scale` says counts for `deploy.replicas` as well.
fn share_scale(tree: &mut Node) {
    let services = tree.map_mut().and_then(|map| map.get_mut("services"));
    for service in services
        .and_then(Node::map_mut)
        .into_iter()
        .flat_map(Map::values_mut)
    {
        let scale = service.get("scale").cloned();
        let deploy = service.map_mut().and_then(|map| map.get_mut("deploy"));
        if let (Some(scale), Some(deploy)) = (scale, deploy.and_then(Node::map_mut)) {
            deploy.insert("replicas".into(), scale);
        }
    }
}
