//! `[environment.NAME]`: which environments there are, and what hosts are called in one.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use landfall_model::{EnvironmentName, InvalidServer, ServerAddress};
use toml::de::DeTable;

use crate::keys;
use crate::reader::{Context, Node, Problem, Span, Table};
use crate::values;

/// The environment that exists without being named: this machine.
pub(crate) const LOCAL: &str = "local";

/// Where build commands run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum BuildOn {
    /// Where the deploy is asked for.
    #[default]
    Here,
    /// On the server that is deployed to.
    Server,
}

/// An environment that the document names.
pub(crate) struct EnvironmentDraft<'a> {
    pub(crate) server: Option<ServerAddress>,
    pub(crate) build_on: BuildOn,
    pub(crate) hosts: Hosts,
    /// What is laid over the top level.
    pub(crate) overrides: DeTable<'a>,
}

/// Every environment that the document names.
pub(crate) fn environments<'a>(
    table: &Table<'a>,
    document: &DeTable<'a>,
) -> BTreeMap<EnvironmentName, EnvironmentDraft<'a>> {
    let mut environments = BTreeMap::new();
    let Some(node) = table.get("environment") else {
        return environments;
    };
    for (text, place, node) in node.entries("a table ([environment.NAME])") {
        let name: EnvironmentName = match values::name(text) {
            Ok(name) => name,
            Err(problem) => {
                node.context.problem(place, problem);
                continue;
            }
        };
        let Some(table) = node.table(&keys::ENVIRONMENT, place) else {
            continue;
        };
        let server = table.get("server").and_then(read_server);
        let build_on = table
            .get("build_on")
            .and_then(|node| read_build_on(node, server.as_ref()));
        let hosts = Hosts::read(&table, text == LOCAL);
        let draft = EnvironmentDraft {
            server,
            build_on: build_on.unwrap_or_default(),
            hosts,
            overrides: overrides(document, text),
        };
        environments.insert(name, draft);
    }
    environments
}

fn overrides<'a>(document: &DeTable<'a>, name: &str) -> DeTable<'a> {
    let table = document
        .get("environment")
        .and_then(|environments| environments.get_ref().get(name))
        .and_then(|environment| environment.get_ref().as_table());
    let mut overrides = table.cloned().unwrap_or_default();
    overrides.remove("server");
    overrides.remove("build_on");
    overrides.remove("host");
    overrides
}

fn read_server(node: Node<'_>) -> Option<ServerAddress> {
    node.parse("an address such as \"deploy@203.0.113.10\"", |text| {
        text.parse().map_err(|error: InvalidServer| {
            Problem::new("invalid-server", error.to_string())
                .label("not a server")
                .fix("write \"user@host\" or a host of your ssh configuration")
        })
    })
}

fn read_build_on(node: Node<'_>, server: Option<&ServerAddress>) -> Option<BuildOn> {
    node.parse("a string", |text| match (text, server) {
        ("here", _) => Ok(BuildOn::Here),
        ("server", Some(_)) => Ok(BuildOn::Server),
        ("server", None) => Err(Problem::new(
            "invalid-choice",
            "this environment has no server to build on",
        )
        .label("builds on a server")
        .fix("add `server = \"user@host\"`, or leave this out: without one it is this machine")),
        _ => Err(
            Problem::new("invalid-choice", format!("{text:?} is no such place"))
                .label("unknown")
                .fix("write \"here\" or \"server\""),
        ),
    })
}

/// What hosts are called in an environment.
#[derive(Debug, Default)]
pub(crate) struct Hosts {
    names: BTreeMap<String, (String, Span)>,
    used: RefCell<BTreeSet<String>>,
    local: bool,
}

impl Hosts {
    /// Those of an environment that the document does not name.
    pub(crate) fn unnamed(local: bool) -> Self {
        Self {
            local,
            ..Self::default()
        }
    }

    fn read(table: &Table<'_>, local: bool) -> Self {
        let mut hosts = Self::unnamed(local);
        let Some(node) = table.get("host") else {
            return hosts;
        };
        for (from, place, to) in node.entries("a table of hosts") {
            let from = values::host(from).map_err(|problem| {
                node.context.problem(place, problem);
            });
            let to = to.parse("a host", values::host);
            if let (Ok(from), Some(to)) = (from, to) {
                hosts.names.insert(from, (to, place));
            }
        }
        hosts
    }

    /// What `host` is called here.
    pub(crate) fn called(&self, host: String) -> String {
        if let Some((name, _)) = self.names.get(&host) {
            self.used.borrow_mut().insert(host);
            return name.clone();
        }
        self.used.borrow_mut().insert(host.clone());
        let bare = host.trim_matches(['[', ']']);
        let loopback = host == "localhost" || host.ends_with(".localhost");
        if self.local && !loopback && bare.parse::<std::net::IpAddr>().is_err() {
            return format!("{host}.localhost");
        }
        host
    }

    /// Says which of the renamed hosts nothing uses. To be asked when all has been read.
    pub(crate) fn check(&self, context: &Context) {
        let used = self.used.borrow();
        for (host, (_, place)) in &self.names {
            if used.contains(host) {
                continue;
            }
            let problem = Problem::new("unknown-host", format!("no route has the host {host:?}"))
                .label("not the host of a route");
            let meant = crate::diagnostics::nearest(host, used.iter().map(String::as_str));
            context.problem(
                *place,
                match meant {
                    Some(meant) => problem.fix(format!("did you mean {meant:?}?")),
                    None => problem.fix("name the host of a route here, and what it is called"),
                },
            );
        }
    }
}
